"""What was measured, as rows of Markdown."""

HEAD = ("| program | | req/s | throughput | CPU program | with worker | CPU paced | p50 | p99 | RSS, MB | PSS, MB | start, ms | "
        "spans | bytes a span | instructions |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")


def ratio(found):
    if not found:
        return ""
    middle, low, high = found
    return f"{middle:.3g} ({low:.2f}-{high:.2f})" if middle >= 10 else f"{middle:.2f} ({low:.2f}-{high:.2f})"


def added(found, unit):
    return f"{found[0] / unit:+.1f}" if found else ""


def small(seconds):
    return f"{seconds * 1e6:.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"


def base_cells(row):
    cells = [f"{row['rate'][0]:,.0f}", "1", *(small(row[key][0]) for key in ("app", "all"))]
    cells += [small(row[key][0]) if key in row else "" for key in ("paced", "p50", "p99")]
    cells += [f"{row[key][0] / 1e6:.1f}" if key in row else "" for key in ("rss", "pss")]
    cells.append(f"{row['start'][0] * 1e3:.0f}" if "start" in row else "")
    return cells + ["", ""]


def variant_cells(row):
    cells = ["", *(ratio(row.get(key)) for key in ("rate", "app", "all", "paced", "p50", "p99"))]
    cells += [added(row.get(key), unit) for key, unit in (("rss", 1e6), ("pss", 1e6), ("start", 1e-3))]
    if row.get("due"):
        cells.append(f"{row['spans']:,} of {row['due']:,} ({100 * row['spans'] / row['due']:.1f} %)")
        cells.append(f"{row['bytes'] / row['spans']:.0f}" if row["spans"] else "")
    else:
        cells += ["", ""]
    return cells


def rows(name, results, base):
    """The base first, with its own figures; then the others against it."""
    lines = []
    for variant in [base, *(v for v in results if v != base)]:
        row = results[variant]
        cells = base_cells(row) if variant == base else variant_cells(row)
        instructions = row.get("instructions")
        cells.append("" if instructions is None else f"{instructions:,.0f}" if variant == base else f"{instructions:+,.0f}")
        lines.append("| " + " | ".join([name if variant == base else "", variant, *cells]) + " |")
    return "\n".join(lines)
