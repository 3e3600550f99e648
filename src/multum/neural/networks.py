"""Any network of `transformers` that a folder holds, by the architecture that its config names.

Invariant: only classes of `transformers` itself are made; code that a model brings along is never run.
"""

from typing import TYPE_CHECKING, Any

from multum.errors import FormatError
from multum.neural.loading import foreign_errors, import_learn, load_complete, quiet
from multum.neural.sources import Source

if TYPE_CHECKING:
    from torch import nn

LANGUAGE, LABELS, OTHER = "language", "labels", "other"


def load_network(source: Source) -> "nn.Module":
    """Return the network of `source` on the CPU in evaluation mode, in float32 whatever it is stored in.

    Raises FormatError for an architecture that `transformers` does not have, and for missing weights; MissingExtra.
    """
    import_learn()
    with quiet(), foreign_errors(source):
        module: nn.Module = load_complete(source, _find_class(source, read_config(source))).eval()
    return module


def read_config(source: Source) -> Any:
    """Return the config of `source`. Raises FormatError for one that needs code of its own."""
    from transformers import CONFIG_MAPPING, AutoConfig

    facts = source.read_json("config.json")
    if "auto_map" in facts and facts.get("model_type") not in CONFIG_MAPPING:
        raise FormatError(
            f"'{source.name}' needs code of its own ({facts['auto_map']}), which is never run;"
            " give a model of an architecture that transformers has"
        )
    return AutoConfig.from_pretrained(
        source.folder, trust_remote_code=False, local_files_only=True, **_name_gguf(source)
    )


def find_kind(config: Any) -> str:
    """Return what the network of `config` predicts: LANGUAGE, LABELS or OTHER. Without an architecture, LANGUAGE."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as CAUSAL

    named = (getattr(config, "architectures", None) or [None])[0]
    if named is None or named in CAUSAL.values():
        return LANGUAGE
    return LABELS if named.endswith(("ForSequenceClassification", "ForImageClassification")) else OTHER


def _find_class(source: Source, config: Any) -> Any:
    """Return the class of the network. Raises FormatError for one that `transformers` does not have."""
    import transformers

    named = (config.architectures or [None])[0]
    if named is None:
        return transformers.AutoModelForCausalLM
    found = getattr(transformers, named, None)
    if not (isinstance(found, type) and issubclass(found, transformers.PreTrainedModel)):
        raise FormatError(f"'{source.name}' is a {named}, which transformers {transformers.__version__} does not have")
    return found


def _name_gguf(source: Source) -> dict[str, str]:
    return {} if source.gguf is None else {"gguf_file": source.gguf}
