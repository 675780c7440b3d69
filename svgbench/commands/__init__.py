"""The commands, by what they are for. `svgbench.commands.app` puts them together."""
