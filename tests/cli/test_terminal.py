"""Text on the terminal is printed as it stands."""

from spikecuda.cli.terminal import console, facts, table

TEXT = 'pip install "spikecuda[cuda]" [bold]here[/bold] [/]'


def test_brackets_are_text(capsys):
    console().print(TEXT, soft_wrap=True)
    console().print(table(TEXT, [TEXT], [[TEXT]]))
    console().print(facts("", [("what", TEXT)]))
    out = capsys.readouterr().out
    assert out.count('"spikecuda[cuda]" [bold]here[/bold] [/]') == 5
