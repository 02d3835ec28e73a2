"""Derive the polynomial coefficients used in ``elementary.py`` (run once, by hand; needs mpmath).

Each polynomial p of degree n minimises the largest weighted error ``|w(x) (p(x) - f(x))|`` over an
interval, found by Remez' exchange algorithm (Remez 1934) in 60-digit arithmetic; the weight makes
the error relative to the function that p is a part of.
``python -m spikecuda.kernels.numerics.derive`` prints the coefficients, highest power first, with
the error that they leave.
"""

import mpmath as mp


def remez(f, weight, lower, upper, degree, iterations=12, grid=2000):
    """Return (coefficients, error): the minimax polynomial, lowest power first.

    Args:
        f: function to approximate, mpf -> mpf.
        weight: positive weight, mpf -> mpf.
        lower, upper: interval.
        degree: degree of the polynomial.
        iterations: exchange steps; the error has settled long before 12.
        grid: points on which the extrema are searched.
    """
    count = degree + 2
    middle, half = (upper + lower) / mp.mpf(2), (upper - lower) / mp.mpf(2)
    nodes = [middle - half * mp.cos(mp.pi * i / (count - 1)) for i in range(count)]
    points = [middle - half * mp.cos(mp.pi * i / grid) for i in range(grid + 1)]
    values = [(x, f(x), weight(x)) for x in points]
    coefficients, level = [], mp.mpf(0)
    for _ in range(iterations):
        matrix, right = mp.matrix(count, count), mp.matrix(count, 1)
        for i, x in enumerate(nodes):
            for j in range(degree + 1):
                matrix[i, j] = x**j
            matrix[i, degree + 1] = (-1) ** i / weight(x)
            right[i] = f(x)
        solution = mp.lu_solve(matrix, right)
        coefficients = [solution[j] for j in range(degree + 1)]
        errors = [w * (mp.polyval(coefficients[::-1], x) - y) for x, y, w in values]
        level = max(abs(e) for e in errors)
        extrema, best = [], 0
        for i in range(1, len(errors)):
            if mp.sign(errors[i]) != mp.sign(errors[best]):
                extrema.append(best)
                best = i
            elif abs(errors[i]) > abs(errors[best]):
                best = i
        extrema.append(best)
        while len(extrema) > count:
            extrema.pop(0 if abs(errors[extrema[0]]) < abs(errors[extrema[-1]]) else -1)
        if len(extrema) < count:
            break
        nodes = [points[i] for i in extrema]
    return coefficients, level


def exp_tail(x):
    """(e^x - 1 - x) / x^2."""
    return sum(x**k / mp.factorial(k + 2) for k in range(40))


def log_tail(x):
    """(log(1 + x) - x + x^2/2) / x^3."""
    if abs(x) < mp.mpf("1e-4"):
        return sum((-1) ** k * x**k / (k + 3) for k in range(30))
    return (mp.log1p(x) - x + x * x / 2) / x**3


def atanh_tail(z):
    """(2 atanh(s) - 2 s) / s^3 with z = s^2."""
    return sum(mp.mpf(2) * z**k / (2 * k + 3) for k in range(60))


def sin_tail(z):
    """(sin(x) - x) / x^3 with z = x^2."""
    return sum((-1) ** (k + 1) * z**k / mp.factorial(2 * k + 3) for k in range(20))


def cos_tail(z):
    """(cos(x) - 1 + x^2/2) / x^4 with z = x^2."""
    return sum((-1) ** k * z**k / mp.factorial(2 * k + 4) for k in range(20))


def main():
    """Print every table."""
    mp.mp.dps = 60
    ln2, quarter = mp.log(2) / 2, (mp.pi / 4) ** 2
    low, high = mp.sqrt(mp.mpf(1) / 2) - 1, mp.sqrt(2) - 1
    edge = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2
    one = mp.mpf(1)

    def log_weight(x):
        return abs(x**3 / mp.log1p(x)) if abs(x) > mp.mpf("1e-30") else mp.mpf("1e-60")

    jobs = {
        "exp f32": (exp_tail, lambda x: x * x / mp.exp(x) + mp.mpf("1e-12"), -ln2, ln2, 4),
        "exp f64": (exp_tail, lambda x: x * x / mp.exp(x) + mp.mpf("1e-12"), -ln2, ln2, 9),
        "log f32 (no division)": (
            log_tail,
            lambda x: log_weight(x) + mp.mpf("1e-12"),
            low,
            high,
            6,
        ),
        "log f32": (atanh_tail, lambda z: z / 2 + mp.mpf("1e-12"), mp.mpf(0), edge, 2),
        "log f64": (atanh_tail, lambda z: z / 2 + mp.mpf("1e-12"), mp.mpf(0), edge, 6),
        "sin f32": (sin_tail, lambda z: z + mp.mpf("1e-12"), mp.mpf(0), quarter, 2),
        "cos f32": (cos_tail, lambda z: z * z + mp.mpf("1e-12"), mp.mpf(0), quarter, 2),
    }
    for name, (f, weight, lower, upper, degree) in jobs.items():
        coefficients, level = remez(f, weight, lower * one, upper * one, degree)
        print(f"{name}: largest relative error {mp.nstr(level, 3)}")
        print("   ", ", ".join(mp.nstr(c, 20) for c in coefficients[::-1]))


if __name__ == "__main__":
    main()
