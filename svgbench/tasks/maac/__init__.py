"""The task of Clavera et al. 2020 with exactly known gradients."""
