"""Sphinx configuration."""

import maas_sdk

project = "maas-sdk"
author = "The maas-sdk maintainers"
copyright = "2026, the maas-sdk maintainers"
release = maas_sdk.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "maas-sdk"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
# What scikit-learn adds to every estimator is documented there.
autodoc_default_options = {
    "members": True,
    "exclude-members": "set_fit_request, set_partial_fit_request, set_score_request, get_metadata_routing",
}
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_param = False
napoleon_use_ivar = False
exclude_patterns = ["_build"]
