"""Which flags say what a file of units or a past study holds? Said once for all commands that ask."""

import typer

ARM = typer.Option(metavar="COL", help="Column of the arm.")
CONTROL = typer.Option(metavar="VALUE", help="The arm that is the control.")
CPI = typer.Option(metavar="COL", help="Column of the CPI.")
KPI = typer.Option(metavar="COL", help="Column of the KPI.")
COVARIATE = typer.Option(metavar="COL", help="Known before exposure; sharpens effects. Repeat.")
EXPERIMENT = typer.Option(metavar="COL", help="Column that tells experiments apart.")
UNIT = typer.Option(metavar="COL", help="Column of the unit; who is in two arms is left out and counted.")
CLUSTER = typer.Option(
    metavar="COL",
    help="Column of the cluster, where arms were given to whole clusters; errors rest on them.",
)
WEIGHT = typer.Option(
    metavar="ARM=SHARE", help="Planned share, for every arm; checks the arms' sizes. Repeat."
)
MECHANISM = typer.Option(
    metavar="ARM=NAME", help="How the arm moves the CPI; unnamed arms share one. Repeat."
)
PLACEBO = typer.Option(metavar="ARM", help="Changes the experience, not the CPI. Repeat.")
RIVAL = typer.Option(metavar="COL", help="Another CPI that might deserve the credit. Repeat.")
MARGIN = typer.Option(
    metavar="COL=HARM",
    help="Most harm to the CPI or the KPI that is accepted, in its units or as 2%; tells whether more is "
    "ruled out. Repeat.",
)
PRIOR = typer.Option(
    metavar="COL=MEAN,SD", help="What was believed of a metric's effect before the data. Repeat."
)
CORRECTS = typer.Option(metavar="WHY", help="Why what was imported of it before was wrong.")
UNITS_PER_DAY = typer.Option(metavar="N", help="New units a day that a next experiment would get.")
