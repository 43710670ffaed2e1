"""nn.Modules: encoder, decoders and the tagger that joins them."""
