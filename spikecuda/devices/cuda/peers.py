"""Access of a GPU to the memory of another one."""

from typing import Any

from cuda.bindings import driver

from spikecuda.devices.cuda.stream import check, raised

# What the driver says where two GPUs cannot access each other, although nothing is broken.
REFUSALS = (
    "CUDA_ERROR_PEER_ACCESS_UNSUPPORTED", "CUDA_ERROR_PEER_ACCESS_NOT_ENABLED",
    "CUDA_ERROR_TOO_MANY_PEERS", "CUDA_ERROR_NOT_SUPPORTED", "CUDA_ERROR_INVALID_DEVICE",
    "CUDA_ERROR_NOT_PERMITTED",
)  # fmt: skip
ALREADY = "CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED"


def allow_access(number: int, owner: int, pool: Any) -> str:
    """Let a GPU access the memory of another one's pool.

    Args:
        number: of the GPU that is to have access; it is current in this thread.
        owner: number of the GPU whose pool it is.
        pool: cuda.core's memory resource.

    Returns:
        Why there is no access; "" if there is.

    Raises:
        CUDAError: the driver reports anything but that it is not possible.
    """
    if not check(driver.cuDeviceCanAccessPeer(number, owner)):
        return f"the CUDA driver says that cuda:{number} cannot access the memory of cuda:{owner}"
    access = driver.CUmemAccessDesc()
    access.location.type = driver.CUmemLocationType.CU_MEM_LOCATION_TYPE_DEVICE
    access.location.id = number
    access.flags = driver.CUmemAccess_flags.CU_MEM_ACCESS_FLAGS_PROT_READWRITE
    (error,) = driver.cuMemPoolSetAccess(pool.handle, [access], 1)
    if error == driver.CUresult.CUDA_SUCCESS or error.name == ALREADY:
        return ""
    if error.name in REFUSALS:
        return (
            f"the CUDA driver does not let cuda:{number} access the memory of cuda:{owner} "
            f"({error.name})"
        )
    raise raised(error)
