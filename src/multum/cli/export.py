"""`multum export`."""

import click

from multum.cli.jobs import announce_compiling, attempt
from multum.cli.options import talk_options, work_options
from multum.cli.talk import Talk, show_size

EXAMPLES = """\b
Examples:
  multum export small.mtm -o model/                   for transformers
  multum export small.mtm --to safetensors -o w.safetensors
"""


@click.command(epilog=EXAMPLES)
@click.argument("model")
@click.option("-o", "--output", metavar="OUT", required=True, help="Folder, or file, to write.")
@click.option(
    "--to",
    "to",
    type=click.Choice(["huggingface", "safetensors"]),
    default="huggingface",
    help="A directory that transformers loads [default], or its weights alone.",
)
@click.option("-f", "--force", is_flag=True, help="Overwrite OUT if it exists.")
@work_options
@talk_options
def export(
    model: str,
    output: str,
    to: str,
    force: bool,
    threads: int,
    memory_limit: int | None,
    as_json: bool,
    quiet: int,
    verbose: int,
) -> int:
    """Write the model in the archive MODEL for other tools.

    What was written is loaded again, and compared bit for bit.
    """
    talk = Talk(quiet, verbose, as_json)

    def work() -> int:
        from multum.shrinking.exporting import export as export_model  # loads torch

        announce_compiling(talk)
        report = export_model(model, output, to, force=force, threads=threads, memory_limit=memory_limit)
        talk.result(report.as_dict())
        talk.note(
            f"{model} -> {output}: {report.tensors} tensors, {show_size(report.size_bytes)}, loaded again and equal"
        )
        return 0

    return attempt(talk, model, work)
