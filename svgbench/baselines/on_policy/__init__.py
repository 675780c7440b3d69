"""Policy gradients on batches of paths, as in Schulman 2016, and a library's TRPO for comparison."""
