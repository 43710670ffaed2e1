"""Find and load pretrained encoders and their tokenizers."""
