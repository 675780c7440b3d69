"""The report: results as plain data, which a template turns into one HTML page, and a renderer into Markdown."""
