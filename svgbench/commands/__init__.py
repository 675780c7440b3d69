"""The commands, grouped by purpose. `svgbench.commands.app` puts them together."""
