"""The commands, by what they are for. `svgbench.cli` puts them together."""
