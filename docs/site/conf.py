"""How Sphinx makes the site; ``build.py`` stages the pages and calls it."""

import os
import re
from pathlib import Path

import spikecuda

project = "spikecuda"
author = "The spikecuda developers"
copyright = author
version = release = spikecuda.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_nb"]
root_doc = "docs/index"
exclude_patterns = ["docs/site"]
templates_path: list[str] = []

# Pages are Markdown; headings have GitHub's anchors, as the links between pages expect.
source_suffix = {".md": "myst-nb"}
myst_heading_anchors = 4
myst_enable_extensions: list[str] = []
# What runs a page's cells: "off" leaves their outputs out.
nb_execution_mode = os.environ.get("SPIKECUDA_SITE_EXECUTION", "force")
nb_execution_timeout = 600
# The kernel that runs a page says what language its cells have.
suppress_warnings = ["myst-nb.lexer"] if nb_execution_mode == "off" else []
nb_execution_raise_on_error = True
nb_merge_streams = True
nb_remove_code_stderr = True
# No widgets, and so no scripts from elsewhere.
nb_ipywidgets_js: dict[str, dict[str, str]] = {}

autodoc_member_order = "groupwise"
autodoc_typehints = "none"
napoleon_google_docstring, napoleon_numpy_docstring = True, False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Optional class attributes", "params_style")]
add_module_names = False

html_theme = "pydata_sphinx_theme"
html_title = f"spikecuda {release}"
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_sidebars = {"docs/index": []}
html_theme_options = {
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def in_its_words(app, what, name, obj, options, lines):
    """Take the one markup that our docstrings have and reStructuredText does not."""
    for i, line in enumerate(lines):
        # A star or a bar that stands for itself, as in w* and |a - b|.
        lines[i] = re.sub(r"(?<![\\*`])([*|])(?![*`])", r"\\\1", line) if "``" not in line else line


def have_dark_pictures(app, doctree):
    """Show ``NAME-dark.png`` instead of ``NAME.png`` in the dark, where there is one."""
    from docutils import nodes

    page = Path(app.env.doc2path(app.env.docname))
    for image in list(doctree.findall(nodes.image)):
        dark = image["uri"].removesuffix(".png") + "-dark.png"
        if image["uri"].endswith(".png") and (page.parent / dark).is_file():
            other = image.copy()
            other["uri"] = dark
            image["classes"] = [*image["classes"], "only-light"]
            other["classes"] = [*other["classes"], "only-dark"]
            image.parent.insert(image.parent.index(image) + 1, other)


def lead_to_the_first_page(app, error):
    """Write the page that a browser opens first: it leads to docs/index.html."""
    if error is None and app.builder.name == "html":
        Path(app.outdir, "index.html").write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>spikecuda</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta http-equiv="refresh" content="0; url=docs/index.html">'
            '<a href="docs/index.html">spikecuda</a>\n',
            encoding="utf-8",
        )


def setup(app):
    """Register what is done while pages are made."""
    app.connect("autodoc-process-docstring", in_its_words, priority=400)  # before napoleon
    # Before Sphinx collects the pictures.
    app.connect("doctree-read", have_dark_pictures, priority=400)
    app.connect("build-finished", lead_to_the_first_page)
