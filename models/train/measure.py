"""How well embeddings tell versions of one photo from other photos: all pairs of a library."""

import numpy as np


def pairs(embeddings, groups):
    """Similarity of every pair and whether it is a true one, most similar first."""
    a, b = np.triu_indices(len(groups), 1)
    similarity = (embeddings @ embeddings.T)[a, b]
    true = (groups[a] == groups[b]) & (groups[a] >= 0)
    order = np.argsort(-similarity, kind="stable")
    return similarity[order], true[order], a[order], b[order]


def summary(embeddings, groups, edits=None):
    """Average precision, recall at 99.9 % and 99 % precision with their similarity cuts, and, with
    `edits`, the share of each edit found from its original at the 99.9 % cut."""
    similarity, true, a, b = pairs(embeddings.astype(np.float32), groups)
    hits = np.cumsum(true)
    precision = hits / np.arange(1, len(true) + 1)
    total = hits[-1]
    out = {"ap": float(precision[true].sum() / total)}
    for name, wanted in [("r999", 0.999), ("r99", 0.99)]:
        good = np.nonzero(precision >= wanted)[0]
        last = good[-1] if len(good) else 0
        out[name] = float(hits[last] / total) if len(good) else 0.0
        out[name + "_cut"] = float(similarity[last])
    if edits is not None:
        original = {g: i for i, (g, e) in enumerate(zip(groups, edits)) if g >= 0 and not e}
        found = {}
        for i, (g, e) in enumerate(zip(groups, edits)):
            if g >= 0 and e:
                found.setdefault(str(e), []).append(float(embeddings[i].astype(np.float32) @ embeddings[original[g]].astype(np.float32)) >= out["r999_cut"])
        out["edits"] = {e: float(np.mean(v)) for e, v in sorted(found.items())}
        out["mean_edit"] = float(np.mean(list(out["edits"].values())))
    return out
