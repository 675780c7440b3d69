"""One Parquet file with the rows of the CSV. Its metadata names the experiment and the budget."""

from __future__ import annotations

from pathlib import Path

from svgbench.analysis.read.formats import needs
from svgbench.analysis.read.frames import Results
from svgbench.analysis.show.exported import Export, check_any, stem
from svgbench.lab.files import write_atomic


def write(results: Results, folder: Path) -> list[Path]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise needs("parquet", error) from None
    check_any(results)
    about = {"experiment": results.experiment.id, "budget": results.budget}
    table = pyarrow.Table.from_pandas(results.frame(), preserve_index=False)
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **about})
    path = folder / f"{stem(results)}.parquet"
    write_atomic(path, lambda file: parquet.write_table(table, file))
    return [path]


EXPORT = Export("one Parquet file", write)
