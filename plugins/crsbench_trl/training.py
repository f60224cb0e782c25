"""Run one of TRL's trainers on a grounded language model, in place."""

from __future__ import annotations

import copy
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from crsbench_lm.model import GroundedLM
from crsbench_lm.sft import parameter_groups
from datasets import Dataset
from transformers import TrainerCallback
from trl.trainer.utils import add_fused_lm_head

from crsbench.errors import CrsbenchError
from crsbench.protocols import Context
from crsbench_trl.options import TrlOptions
from crsbench_trl.reading import RowModel, Rows


class _Report(TrainerCallback):
    """What the trainer logs, as training steps of the stage."""

    def __init__(self, ctx: Context, name: str) -> None:
        self.ctx, self.name = ctx, name

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        del args, control
        scalars = {f"{self.name}/{key}": float(v) for key, v in logs.items() if isinstance(v, int | float)}
        self.ctx.step(int(state.global_step), scalars)


def run_trainer(
    trainer: type[Any],
    config: type[Any],
    grounded: GroundedLM,
    rows: Rows,
    examples: Sequence[Mapping[str, Any]],
    options: TrlOptions,
    ctx: Context,
    settings: Mapping[str, Any],
    **parts: Any,
) -> None:
    """Train `grounded` with a trainer class of TRL, its configuration class and what only these two take.

    A trainer that takes a reference is handed one; to the others it is given afterwards, with β: they would
    load it by name from disk. Raises CrsbenchError where a parameter is not finite at the end.
    """
    name = trainer.__name__.removesuffix("Trainer").lower()
    model = RowModel(grounded, rows, options.sft.max_words, ctx.seed)
    reference = copy.deepcopy(model).eval().requires_grad_(requires_grad=False)
    rates = {"learning_rate": options.learning_rate, "head_learning_rate": options.head_learning_rate}
    groups = parameter_groups(
        grounded, options.sft.model_copy(update={**rates, "weight_decay": 0.0, "item_decay": 0.0})
    )
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.95))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # TRL says it in the words of transformers before 5.24
        warnings.filterwarnings("ignore", "`(is_)?gradient_checkpointing` is deprecated", FutureWarning)
        arguments = config(
            output_dir=folder,
            per_device_train_batch_size=options.batch,
            gradient_accumulation_steps=1,
            num_train_epochs=options.epochs,
            lr_scheduler_type="linear",
            max_grad_norm=1.0,
            disable_dropout=True,
            gradient_checkpointing=False,
            bf16=ctx.precision == "bf16",
            use_cpu=ctx.device == "cpu",
            dataloader_pin_memory=ctx.device != "cpu",
            seed=ctx.seed,
            save_strategy="no",
            logging_steps=5,
            report_to="none",
            disable_tqdm=True,
            **settings,
        )
        takes_reference = "ref_model" in trainer.__init__.__annotations__
        runner = trainer(
            model=model,
            args=arguments,
            train_dataset=Dataset.from_list([dict(example) for example in examples]),
            processing_class=rows.tokenizer(),
            callbacks=[_Report(ctx, name)],
            optimizers=(optimizer, None),
            **({"ref_model": reference} if takes_reference else {}),
            **parts,
        )
        if not takes_reference:
            add_fused_lm_head(reference)
            runner.ref_model, runner.beta = reference, options.beta  # pyright: ignore
        runner.train()
    if not all(bool(p.isfinite().all()) for p in grounded.parameters()):
        raise CrsbenchError(f"{name}: a parameter is not finite", "lower learning_rate")
    grounded.eval()
