"""Two synthetic corpora that ship with the package, and the grammar that wrote them."""
