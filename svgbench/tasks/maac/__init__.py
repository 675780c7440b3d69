"""The task of Clavera et al. 2020 on which gradients are known exactly."""
