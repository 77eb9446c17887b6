"""Draws the losses and the validation of a log.

    python plot.py ../training.csv ../training.png
"""

import csv
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def main():
    rows = list(csv.DictReader(open(sys.argv[1])))
    views = [int(r["views"]) / 1e6 for r in rows]
    checked = [r for r in rows if r["ap"]]
    figure, (losses, validation) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for name, label in [("nce", "InfoNCE"), ("triplet", "batch-hard triplet"), ("koleo", "KoLeo"), ("far", "farthest positive"), ("near", "nearest negative")]:
        losses.plot(views, [float(r[name]) for r in rows], label=label)
    losses.set(xlabel="million views", title="training", ylim=(-0.3, 4))
    for name, label in [("ap", "average precision"), ("r999", "recall at 99.9 % precision"), ("mean_edit", "mean over the edits")]:
        validation.plot([int(r["views"]) / 1e6 for r in checked], [float(r[name]) for r in checked], "o-", label=label)
    validation.set(xlabel="million views", title="validation, 160 pixels", ylim=(0, 1))
    for axes in (losses, validation):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(sys.argv[2], dpi=80)


if __name__ == "__main__":
    main()
