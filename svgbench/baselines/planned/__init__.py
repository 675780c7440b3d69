"""Planners that learn a model and search in it before every action: Chua et al. 2018, Wang and Ba 2019."""
