"""The catalogue: which classes may be built at which place of a configuration.

A configuration travels: in a checkpoint, in a colleague's folder. `_target_` would call any function of any package, so
each place has a kind, and each kind lists the classes (and the few functions) that may stand there. Whatever is not
listed is refused before anything is imported. A class of ours that is to be named in a YAML file gets its line here.
"""

from __future__ import annotations

from collections.abc import Sequence

PLACES = {
    "data": "data",
    "data.reader": "reader",
    "data.sources.*.reader": "reader",
    "data.augment": "augment",
    "model": "model",
    "model.encoder": "encoder",
    "model.encoder.lora": "lora",
    "model.decoder": "decoder",
    "optim": "optim",
    "task": "task",
    "task.metrics.*": "metric",
    "trainer": "trainer",
    "trainer.strategy": "strategy",
    "trainer.profiler": "profiler",
    "callbacks.*": "callbacks",
    "logger.*": "logger",
    "from": "reader",
    "to": "writer",
    "inspection": "inspection",
    "sweep": "sweep",
    "sweep.search": "search",
    "hydra.launcher": "launcher",
    "hydra.sweeper": "sweeper",
    "hydra.sweeper.sampler": "sampler",
    "hydra.callbacks.*": "hydra_callbacks",
}
"""The kind of each place; `*` stands for any one key."""

KINDS: dict[str, tuple[str, ...]] = {
    "data": ("ner_lightning.data.datamodule.CorpusDataModule",),
    "reader": (
        "ner_lightning.data.readers.brat.BratReader",
        "ner_lightning.data.readers.by_ending.ReaderByEnding",
        "ner_lightning.data.readers.conll.ConllReader",
        "ner_lightning.data.readers.hf.HuggingFaceReader",
        "ner_lightning.data.readers.jsonl.JsonlReader",
        "ner_lightning.data.readers.label_studio.LabelStudioReader",
        "ner_lightning.data.readers.plain.PlainTextReader",
        "ner_lightning.data.readers.prodigy.ProdigyReader",
        "ner_lightning.data.readers.spacy.SpacyReader",
        "ner_lightning.data.readers.table.TableReader",
    ),
    "augment": ("ner_lightning.data.augmentation.Augmentation",),
    "model": ("ner_lightning.model.tagger.TaggingModel",),
    "encoder": ("ner_lightning.model.encoder.Encoder",),
    "lora": ("ner_lightning.model.lora.LoRA",),
    "decoder": ("ner_lightning.model.decoder.crf.CRF", "ner_lightning.model.decoder.softmax.Softmax"),
    "optim": ("ner_lightning.optim.adamw.AdamW",),
    "task": ("ner_lightning.task.tagging.TaggingTask",),
    "metric": (),
    "trainer": ("pytorch_lightning.Trainer",),
    "strategy": (
        "pytorch_lightning.strategies.DDPStrategy",
        "pytorch_lightning.strategies.ModelParallelStrategy",
        "pytorch_lightning.strategies.SingleDeviceStrategy",
    ),
    "profiler": (
        "pytorch_lightning.profilers.AdvancedProfiler",
        "pytorch_lightning.profilers.PassThroughProfiler",
        "pytorch_lightning.profilers.PyTorchProfiler",
        "pytorch_lightning.profilers.SimpleProfiler",
    ),
    "callbacks": (
        "ner_lightning.callbacks.checkpoint.BestCheckpoint",
        "ner_lightning.callbacks.cost.Cost",
        "ner_lightning.callbacks.last_checkpoint.LastCheckpoint",
        "ner_lightning.callbacks.overview.Overview",
        "ner_lightning.callbacks.predictions.SavePredictions",
        "ner_lightning.sweep.pruning.Pruning",
        "ner_lightning.callbacks.profile.step_profile.StepProfile",
        "pytorch_lightning.callbacks.BackboneFinetuning",
        "pytorch_lightning.callbacks.DeviceStatsMonitor",
        "pytorch_lightning.callbacks.EMAWeightAveraging",
        "pytorch_lightning.callbacks.EarlyStopping",
        "pytorch_lightning.callbacks.GradientAccumulationScheduler",
        "pytorch_lightning.callbacks.LearningRateMonitor",
        "pytorch_lightning.callbacks.ModelCheckpoint",
        "pytorch_lightning.callbacks.ModelSummary",
        "pytorch_lightning.callbacks.OnExceptionCheckpoint",
        "pytorch_lightning.callbacks.RichModelSummary",
        "pytorch_lightning.callbacks.RichProgressBar",
        "pytorch_lightning.callbacks.StochasticWeightAveraging",
        "pytorch_lightning.callbacks.TQDMProgressBar",
        "pytorch_lightning.callbacks.ThroughputMonitor",
        "pytorch_lightning.callbacks.Timer",
    ),
    "logger": (
        "ner_lightning.logger.wandb.wandb_logger",
        "pytorch_lightning.loggers.CSVLogger",
        "pytorch_lightning.loggers.CometLogger",
        "pytorch_lightning.loggers.MLFlowLogger",
        "pytorch_lightning.loggers.TensorBoardLogger",
        "pytorch_lightning.loggers.WandbLogger",
    ),
    "writer": (
        "ner_lightning.data.writers.brat.BratWriter",
        "ner_lightning.data.writers.by_ending.WriterByEnding",
        "ner_lightning.data.writers.columns.ConllWriter",
        "ner_lightning.data.writers.json_lines.JsonlWriter",
        "ner_lightning.data.writers.parquet.ParquetWriter",
        "ner_lightning.data.writers.records.CluenerWriter",
        "ner_lightning.data.writers.records.DoccanoWriter",
        "ner_lightning.data.writers.records.LabelStudioWriter",
        "ner_lightning.data.writers.records.ProdigyWriter",
        "ner_lightning.data.writers.spacy.SpacyWriter",
    ),
    "inspection": ("ner_lightning.inspection.settings.InspectionSettings",),
    "sweep": ("ner_lightning.sweep.settings.SweepSettings",),
    "search": ("ner_lightning.sweep.settings.Search",),
    # Hydra itself takes its launchers and sweepers from the plugins that are installed, and from nowhere else.
    "launcher": (
        "hydra._internal.core_plugins.basic_launcher.BasicLauncher",
        "hydra_plugins.hydra_ray_launcher.ray_launcher.RayLauncher",
        "hydra_plugins.hydra_submitit_launcher.submitit_launcher.LocalLauncher",
        "hydra_plugins.hydra_submitit_launcher.submitit_launcher.SlurmLauncher",
    ),
    "sweeper": (
        "hydra._internal.core_plugins.basic_sweeper.BasicSweeper",
        "hydra_plugins.hydra_optuna_sweeper.optuna_sweeper.OptunaSweeper",
    ),
    "sampler": (
        "optuna.samplers.GridSampler",
        "optuna.samplers.RandomSampler",
        "optuna.samplers.TPESampler",
    ),
    "hydra_callbacks": (),
}
"""What may stand at a place of each kind: full names of classes, and of a few functions."""

SUPPLIED = {
    "decoder": ("tags",),
    "logger": ("run_config",),
    "metric": ("tags",),
    "task": ("model", "tags", "scored_tags", "optim", "sentences_per_batch", "about"),
}
"""Arguments that the program passes itself, so that no configuration need give them."""

LOGGING = (
    "logging.FileHandler",
    "logging.Formatter",
    "logging.NullHandler",
    "logging.StreamHandler",
    "logging.handlers.RotatingFileHandler",
    "logging.handlers.TimedRotatingFileHandler",
    "colorlog.ColoredFormatter",
    "rich.logging.RichHandler",
)
"""Classes that `hydra.job_logging` and `hydra.hydra_logging` may name."""


def kind_of(place: Sequence[str]) -> str | None:
    """Return the kind of a place, given by its keys; None where nothing is built.

    >>> kind_of(["data", "reader"]), kind_of(["callbacks", "mine"]), kind_of(["callbacks"])
    ('reader', 'callbacks', None)
    """
    for pattern, kind in PLACES.items():
        wanted = pattern.split(".")
        if len(wanted) == len(place) and all(want in ("*", key) for want, key in zip(wanted, place, strict=True)):
            return kind
    return None
