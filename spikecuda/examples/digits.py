"""Show images to the network of ``diehl2015``, name what its neurons learned, and test it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from spikecuda.errors import SpikecudaError, SpikecudaValueError
from spikecuda.examples.idx import CLASSES, LabelledImages
from spikecuda.inputs.poisson import Poisson
from spikecuda.network.network import Network

NOBODY = -1
# Time constants beyond this are never: thresholds that are frozen do not decay.
FOREVER = 1e30
# Told after each image: how many, of how many, accuracy of late or NaN.
Report = Callable[[int, int, float], None]


@dataclass(frozen=True)
class Presentation:
    """How images are shown, as in the published code.

    Args:
        shown: ms that an image is shown.
        rest: ms without input after that.
        intensity: a grey level g has a rate of g / 8 x intensity, Hz: 63.75 Hz at the most.
        boost: what is added to the intensity each time that an image is shown again.
        least: spikes of all neurons together, fewer than which have an image shown again.
        most: times that it is shown; a black image is shown once.
        total: nS that the weights onto each neuron sum to before each image; for 784 inputs.
    """

    shown: float = 350.0
    rest: float = 150.0
    intensity: float = 2.0
    boost: float = 1.0
    least: int = 5
    most: int = 20
    total: float = 78.0


@dataclass(frozen=True, eq=False)
class Recognition:
    """How well images were recognised.

    Attributes:
        labels: int64 (images,), what they are.
        answers: int64 (images,), what the network took them for.
    """

    labels: np.ndarray
    answers: np.ndarray

    @property
    def accuracy(self) -> float:
        """Images that were recognised, %."""
        return float(100.0 * np.mean(self.labels == self.answers))

    def of_class(self, label: int) -> float:
        """Images of a class that were recognised, %; NaN if there are none."""
        own = self.labels == label
        return float(100.0 * np.mean(self.answers[own] == label)) if own.any() else float("nan")


def assign(counts: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the class whose images each neuron responds to most.

    Args:
        counts: spikes, (images, neurons).
        labels: classes of the images.

    Returns:
        int64 (neurons,); -1 for neurons that did not spike.
    """
    mean = np.zeros((CLASSES, counts.shape[1]))
    for label in range(CLASSES):
        if (own := labels == label).any():
            mean[label] = counts[own].mean(axis=0)
    return np.where(mean.max(axis=0) > 0, mean.argmax(axis=0), NOBODY)


def answer(counts: np.ndarray, assignments: np.ndarray) -> np.ndarray:
    """Return the class of each image: that whose neurons have the most spikes on average.

    Args:
        counts: spikes, (images, neurons).
        assignments: class of each neuron, or -1.
    """
    score = np.zeros((CLASSES, len(counts)))
    for label in range(CLASSES):
        if (own := assignments == label).any():
            score[label] = counts[:, own].mean(axis=1)
    return score.argmax(axis=0)


@dataclass(eq=False)
class DigitLearner:
    """A network that is shown images.

    Args:
        net: a ``diehl2015.network()``, to which input is added.
        how: images are shown.

    Attributes:
        again: times that an image had to be shown again while learning.
        course: accuracy while learning: (images shown, % of the last ones recognised).
    """

    net: Network
    how: Presentation = field(default_factory=Presentation)
    again: int = 0
    course: list[tuple[int, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._inputs, self._neurons = self.net["X"].size, self.net["E"].size
        self._learned = self.net.projections[0]
        self._dark = np.zeros(self._inputs)
        self._drive = self.net.drive("X", Poisson(self._dark, 1.0))
        self._total = self.how.total * self._inputs / 784.0
        self._learns = True

    def learn(
        self, given: LabelledImages, passes: int = 1, report: Report | None = None
    ) -> np.ndarray:
        """Show images in their order, and let weights and thresholds follow.

        Labels change nothing that is learned: they name the neurons by their last responses, and
        so tell how many of the next images are recognised, see ``course``.

        Args:
            given: the images.
            passes: how many times all of them are shown.
            report: told after each image.

        Returns:
            int64 (images,): spikes of all neurons to each image, of the last pass.

        Raises:
            SpikecudaError: the network was frozen.
        """
        if not self._learns:
            raise SpikecudaError("the network was frozen (got images to learn); make another one")
        self.require_size(given)
        every = min(1000, max(1, len(given) // 5))
        counts = np.zeros((every, self._neurons), np.int64)
        totals = np.zeros(len(given), np.int64)
        assignments, labels = None, np.zeros(every, np.int64)
        done, number = 0, passes * len(given)
        for _ in range(passes):
            for i, (image, label) in enumerate(zip(given.images, given.labels, strict=True)):
                place = done % every
                counts[place], labels[place] = self._show(image), label
                totals[i] = counts[place].sum()
                done += 1
                if place == every - 1:
                    if assignments is not None:
                        hits = answer(counts, assignments) == labels
                        self.course.append((done, float(100.0 * hits.mean())))
                    assignments = assign(counts, labels)
                if report is not None:
                    report(done, number, self.course[-1][1] if self.course else float("nan"))
        return totals

    def freeze(self) -> None:
        """Keep weights and thresholds as they are from now on."""
        self._learned.normalise(self._total)
        self._learned.plastic = False
        self.net["E"].params.update(theta_plus=0.0, tau_theta=FOREVER)
        self._learns = False

    def respond(self, given: LabelledImages, report: Report | None = None) -> np.ndarray:
        """Return the spikes of each neuron to each image, int64 (images, neurons).

        Args:
            given: the images.
            report: told after each image.

        Raises:
            SpikecudaError: the network is not frozen.
        """
        if self._learns:
            raise SpikecudaError("the network must be frozen (got one that learns); freeze()")
        self.require_size(given)
        counts = np.zeros((len(given), self._neurons), np.int64)
        for i, image in enumerate(given.images):
            counts[i] = self._show(image)
            if report is not None:
                report(i + 1, len(given), float("nan"))
        return counts

    def test(
        self, given: LabelledImages, assignments: np.ndarray, report: Report | None = None
    ) -> Recognition:
        """Return how well images are recognised; see ``respond``.

        Args:
            given: the images.
            assignments: class of each neuron, from ``assign``.
            report: told after each image.
        """
        return Recognition(given.labels, answer(self.respond(given, report), assignments))

    @property
    def weights(self) -> np.ndarray:
        """Weights of the inputs, nS, float64 (inputs, neurons), as of now."""
        listed = self._learned.connections()
        result = np.zeros((self._inputs, self._neurons))
        result[listed["source"], listed["target"]] = listed["weight"]
        return result

    def require_size(self, given: LabelledImages) -> None:
        """Raise SpikecudaValueError unless images have a pixel for each input."""
        pixels = given.images[0].size
        if pixels != self._inputs:
            raise SpikecudaValueError(
                f"images of {given.name} must have {self._inputs:,} pixels, one for each input "
                f"(got {pixels:,}); network(inputs={pixels})"
            )

    def _show(self, image: np.ndarray) -> np.ndarray:
        """Show an image, stronger each time until neurons respond; return their spikes."""
        how, grey = self.how, image.reshape(-1) / 8.0
        turns = how.most if grey.any() else 1
        for turn in range(turns):
            self.again += self._learns and turn > 0
            if self._learns:
                self._learned.normalise(self._total)
            self._drive.rate = grey * (how.intensity + turn * how.boost)
            spikes = self.net.run(how.shown).spikes["E"]
            self._drive.rate = self._dark
            self.net.run(how.rest)
            if len(spikes) >= how.least:
                break
        return spikes.counts(self._neurons)
