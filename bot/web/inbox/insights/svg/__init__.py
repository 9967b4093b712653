"""Charts out of values: pure functions from figures to marks, which ``templates/inbox/insights/charts.html`` draws.

A chart has no script, no picture file and no inline style: its marks are SVG elements whose classes take their colours
from ``insights.css``, in light and dark alike. Across, a mark stands at percents of the width and down at pixels, so
that a chart fills a phone and a desktop with letters of one size. How to draw one on a page of your own::

    # in Python; the texts are marked by words(), so that they are translated
    rows = [Rate(name=agent, href=f"/insights/agents/{agent}", share=91 / 120, low=0.67, high=0.83, count=91, of=120)]
    chart = rates("agents", words("Approved as proposed"), words("For each agent, with its 95 % interval."), rows)
    site.pages.show("insights/mine.html", ..., chart=chart)

    {# in the template, which extends "insights/frame.html" #}
    {% import "insights/charts.html" as c with context %}
    <section class="panel">{{ c.chart(chart) }}</section>

`rates`, `amounts` and `spreads` (strips, one row for each name), `trend` (over time), `curve` (one number over another,
with its interval and what is marked on it) and `reliability` (claimed against come true) are the kinds there are.
"""
