"""What pages in HTML have in common: one file each, readable offline and on a phone, with tables that sort."""
