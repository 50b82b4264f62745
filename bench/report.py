# SPDX-License-Identifier: GPL-2.0-or-later
"""The results for people: a table of ratios, and a page with plots drawn by gnuplot."""
import html
import os
import shutil
import subprocess

STYLE = """body { font: 15px/1.5 sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: 1em 0 } td, th { padding: .2em .8em; text-align: right; border-bottom: 1px solid #ddd }
td:first-child, th:first-child, td:nth-child(3) { text-align: left } .missed { color: #a00; font-weight: bold }
figure { margin: 1em 0 } figcaption { color: #555 }"""

PLOT = """set terminal svg size 820,%d font "sans-serif,12" background rgb "white"
set output "%s"
set style data histograms
set style histogram errorbars gap 1 lw 1
set style fill solid 0.7 border -1
set boxwidth 0.85
set yrange [0:*]
set grid ytics lc rgb "#dddddd"
set ylabel "%s"
set xtics rotate by -30 nomirror
set bmargin 6
unset key
set title "%s" noenhanced
plot "-" using 2:3:4:xtic(1) lc rgb "#4477aa"
%s
e
"""


def number(v):
    return "%.0f" % v if abs(v) >= 1000 else "%.3g" % v


def table(runs, rows, out):
    """Per scenario and family: each contender's median and spread, and how nfqnat compares."""
    last = None
    for r in sorted(rows, key=lambda r: (list(runs.unit).index(r["scenario"]), r["family"])):
        head = (r["scenario"], r["family"])
        if head != last:
            print("\n%s, IPv%d, %s (%s is better)" % (*head, r["unit"], "more" if r["more_is_better"] else "less"), file=out)
            print("  %-15s %10s %10s %10s   %s" % ("", "median", "min", "max", "nfqnat / it"), file=out)
            last = head
        ratio = runs.ratio(*head, r["contender"]) if r["contender"] != "nfqnat" else None
        print("  %-15s %10s %10s %10s   %s" % (r["contender"], number(r["median"]), number(r["min"]), number(r["max"]),
                                              "%.2f" % ratio if ratio is not None else ""), file=out)


def goals(runs, out):
    found = list(runs.goals())
    if found:
        print("\nwhat the project promises, as nfqnat / peer", file=out)
    for g in found:
        print("  %-14s IPv%d  %s %-5g x %-12s %6.2f%s" % (g["scenario"], g["family"], ">=" if g["more_is_better"] else "<=", g["bound"],
                                                       g["peer"], g["ratio"], "" if g["reached"] else "  MISSED"), file=out)


def plot(rows, name, family, directory):
    """One SVG file; returns its name, or None without gnuplot."""
    mine = [r for r in rows if (r["scenario"], r["family"]) == (name, family)]
    if not mine or not shutil.which("gnuplot"):
        return None
    file = "%s_ip%d.svg" % (name.replace(".", "_"), family)
    data = "\n".join('"%s" %g %g %g' % (r["contender"], r["median"], r["min"], r["max"]) for r in mine)
    script = PLOT % (360, os.path.join(directory, file), mine[0]["unit"], "%s, IPv%d: median, least and most" % (name, family), data)
    done = subprocess.run(["gnuplot"], input=script, text=True, capture_output=True)
    return file if done.returncode == 0 else None


def svg(path):
    """The picture itself, to be put into the page, so that the page is one file."""
    with open(path) as f:
        text = f.read()
    return text[text.index("<svg"):]


def page(path, runs, rows, facts, scenarios, contenders):
    directory = os.path.dirname(path)
    what = {}
    for s in scenarios:
        for key in s.values:
            what[s.name + ("." + key if key else "")] = s.what
    with open(path, "w") as f:
        f.write("<!doctype html><html lang=en><meta charset=utf-8><title>nfqnat bench</title><style>%s</style>\n" % STYLE)
        f.write("<h1>nfqnat bench</h1><p>%s</p>\n" % "<br>".join(html.escape("%s: %s" % kv) for kv in facts.items()))
        f.write("<p>Absolute figures of one machine mean little; ratios of one run do. Each ratio is taken round by round, then the "
                "median.</p><h2>Contenders</h2><table>%s</table>\n" % "".join(
                    "<tr><td>%s</td><td style='text-align:left'>%s</td></tr>" % (c.name, html.escape(c.what)) for c in contenders))
        f.write("<h2>What the project promises</h2><table><tr><th>scenario<th>IP<th>peer<th>bound<th>seen</tr>\n")
        for g in runs.goals():
            f.write("<tr><td>%s</td><td>%d</td><td>%s</td><td>%s %g</td><td%s>%.2f</td></tr>\n" % (
                g["scenario"], g["family"], g["peer"], "&ge;" if g["more_is_better"] else "&le;", g["bound"],
                "" if g["reached"] else " class=missed", g["ratio"]))
        f.write("</table>\n")
        for name, family in runs.by:
            file = plot(rows, name, family, directory)
            if file:
                f.write("<figure>%s<figcaption>%s</figcaption></figure>\n" % (svg(os.path.join(directory, file)), html.escape(what[name])))
