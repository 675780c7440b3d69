"""Chapter 5 of Schulman 2016: estimators on stochastic computation graphs."""
