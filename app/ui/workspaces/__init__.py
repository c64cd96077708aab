"""One module per workspace; workspaces never import each other."""
