"""Policy gradients on batches of paths, as Schulman 2016 has them, and a library's TRPO beside ours."""
