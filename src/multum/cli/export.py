"""`multum export`."""

from typing import Any

import click

from multum.cli.jobs import announce_compiling, attempt, watch_shares
from multum.cli.options import talk_options, work_options
from multum.cli.talk import Talk, show_size
from multum.exporting.options import FORMATS, HUGGINGFACE, WAYS

EXAMPLES = """\b
Examples:
  multum export small.mtm -o model/                   for transformers
  multum export small.mtm --to safetensors -o w.safetensors
  multum export run/ --to onnx --int8 dynamic -o graph/
  multum export run/ --to compressed-tensors --quantize rtn:4:64:symmetric -o packed/
"""


@click.command(epilog=EXAMPLES)
@click.argument("model")
@click.option("-o", "--output", metavar="OUT", required=True, help="Folder, or file, to write.")
@click.option(
    "--to",
    type=click.Choice(FORMATS),
    default=HUGGINGFACE,
    metavar="FORMAT",
    help="huggingface, a directory [default]; safetensors, its weights alone; compressed-tensors, packed integers;"
    " onnx, a graph.",
)
@click.option("--int8", type=click.Choice(WAYS), help="8-bit products, for onnx; static calibrates on CALIB.")
@click.option("--quantize", metavar="WORDS", help="Packed integers, such as gptq:4:64:symmetric [default: rtn:8].")
@click.option("--data", metavar="CALIB", help="Text, or labelled examples, to calibrate with and measure on.")
@click.option("--eval", "evaluation", metavar="FILE", help="Measure on FILE [default: the last tenth of CALIB].")
@click.option("--calibration", type=int, metavar="N", help="Tokens of CALIB that are read at most [default: 16384].")
@click.option("--seed", type=int, default=0, metavar="N", help="Chooses them [default: 0].")
@click.option("-f", "--force", is_flag=True, help="Overwrite OUT if it exists.")
@work_options
@talk_options
def export(
    model: str,
    output: str,
    force: bool,
    as_json: bool,
    quiet: int,
    verbose: int,
    **options: Any,
) -> int:
    """Write MODEL for other tools.

    MODEL is an archive that holds a model; for compressed-tensors and onnx also a
    directory. What was written is loaded again, and compared.
    """
    talk = Talk(quiet, verbose, as_json)

    def work() -> int:
        from multum.exporting.exporter import export as export_model  # loads torch when it is called

        announce_compiling(talk)
        given = {name: value for name, value in options.items() if value is not None}
        report = export_model(model, output, force=force, progress=watch_shares(talk), **given)
        talk.clear()
        talk.result(report.as_dict())
        equal = f"{report.tensors} tensors, " if report.tensors else ""
        again = "loaded again and equal" if report.tensors else "loaded again and compared"
        talk.note(f"{model} -> {output}: {equal}{show_size(report.size_bytes)}, {again}")
        for line in report.lines:
            talk.note(line)
        return 0

    return attempt(talk, model, work)
