"""HTML pages: one file each, readable offline and on a phone, with sortable tables."""
