"""Neural modules: encoder, decoders, and the tagger that joins them."""
