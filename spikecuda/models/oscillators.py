"""Neurons reduced to a few polynomials: FitzHugh-Nagumo and Hindmarsh-Rose."""

from spikecuda.kernels.language import real
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter, State


class FitzHughNagumo(Model):
    """``dv/dt = v - v^3 / 3 - w + current``, ``tau dw/dt = v + a - b w``, all without units.

    A spike when v rises through v_th; nothing is reset.

    Source: FitzHugh (1961) Biophys J 1:445, equations 1 and 2, with v and w of the other sign;
    Nagumo, Arimoto & Yoshizawa (1962) Proc IRE 50:2061.
    """

    name = "fitzhugh_nagumo"
    source = "FitzHugh (1961) Biophys J 1:445"
    input_unit = ""
    schemes = ("rk4", "heun", "exponential_euler", "euler")
    v = State("", initial=-1.1994, origin=0.0, span=2.0, doc="membrane potential")
    w = State("", initial=-0.6243, origin=0.0, span=1.0, doc="recovery")
    a = Parameter(0.7, "", "where the line of w begins")
    b = Parameter(0.8, "", "slope of the line of w")
    tau = Parameter(12.5, "ms", "time constant of w", above=0.0)
    v_th = Parameter(1.0, "", "value through which a spike rises")

    def dv(v, w, current):
        """Equation 1."""
        return v - v * v * v * real(0.3333333333333333) - w + current

    def dw(v, w, a, b, tau):
        """Equation 2."""
        return (v + a - b * w) / tau

    def threshold(v, v_before, v_th):
        """Tell whether v has risen through the threshold."""
        return v >= v_th and v_before < v_th

    def reset(v, w):
        """Leave everything as it is."""
        return v, w


class HindmarshRose(Model):
    """Bursts: ``dx/dt = y - a x^3 + b x^2 - z + current``, and y and z, all without units.

    ``dy/dt = c - d x^2 - y``, ``dz/dt = r (s (x - x_rest) - z)``.  A spike when x rises through
    x_th; nothing is reset.

    Source: Hindmarsh & Rose (1984) Proc R Soc Lond B 221:87, equations 3 to 5.
    """

    name = "hindmarsh_rose"
    source = "Hindmarsh & Rose (1984) Proc R Soc Lond B 221:87"
    input_unit = ""
    schemes = ("rk4", "heun", "exponential_euler", "euler")
    x = State("", initial=-1.6, origin=0.0, span=2.0, doc="membrane potential")
    y = State("", initial=-11.8, origin=0.0, span=10.0, doc="fast recovery")
    z = State("", initial=0.0, origin=0.0, span=3.0, doc="slow adaptation")
    a = Parameter(1.0)
    b = Parameter(3.0)
    c = Parameter(1.0)
    d = Parameter(5.0)
    r = Parameter(0.005, "", "how slow z is", above=0.0)
    s = Parameter(4.0)
    x_rest = Parameter(-1.6, "", "x at rest")
    x_th = Parameter(1.0, "", "value through which a spike rises")

    def dx(x, y, z, current, a, b):
        """Equation 3."""
        return y - (a * x - b) * x * x - z + current

    def dy(x, y, c, d):
        """Equation 4."""
        return c - d * x * x - y

    def dz(x, z, r, s, x_rest):
        """Equation 5."""
        return r * (s * (x - x_rest) - z)

    def threshold(x, x_before, x_th):
        """Tell whether x has risen through the threshold."""
        return x >= x_th and x_before < x_th

    def reset(x, y, z):
        """Leave everything as it is."""
        return x, y, z
