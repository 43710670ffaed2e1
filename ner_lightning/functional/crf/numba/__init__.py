"""The compiled CPU kernels of the CRF."""
