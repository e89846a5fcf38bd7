"""The ratios as a picture, by matplotlib, which a measurement can do without."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from bench.figures import RATIOS


def draw(found: Mapping[str, float], path: Path) -> bool:
    """Write the ratios as bars, with floor and goal, to an SVG at ``path``. False without matplotlib."""
    try:
        matplotlib = import_module("matplotlib")
        matplotlib.use("svg")
        pyplot = import_module("matplotlib.pyplot")
    except ImportError:
        return False
    shown = [ratio for ratio in reversed(RATIOS) if ratio.name in found]
    figure, axes = pyplot.subplots(figsize=(8, 1 + 0.4 * len(shown)), layout="constrained")
    names = [f"{ratio.name}   {found[ratio.name]:.1f}" for ratio in shown]
    axes.barh(names, [found[ratio.name] for ratio in shown], color="#a8c4e0")
    for label, mark in (("floor", "|"), ("goal", "D")):
        limits = [(getattr(ratio, label), place) for place, ratio in enumerate(shown) if getattr(ratio, label)]
        if limits:
            axes.scatter(*zip(*limits, strict=True), marker=mark, s=40, color="black", label=label, zorder=3)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("times as many durable transfers a second (logarithmic)")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper right")
    figure.savefig(path)
    pyplot.close(figure)
    return True
