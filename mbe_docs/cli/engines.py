"""Where the work is done, on this machine or on a Spark cluster: the same flags on every command."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

F = TypeVar("F", bound=Callable[..., object])


def engine_options(what: str) -> Callable[[F], F]:
    """`--engine` and `--spark-conf`, as the parameters `engine` and `conf`."""

    def add(command: F) -> F:
        conf = click.option(
            "--spark-conf",
            "conf",
            multiple=True,
            metavar="KEY=VALUE",
            help="Setting of Spark, such as spark.master=spark://host:7077; may be repeated.",
        )
        engine = click.option(
            "--engine",
            type=click.Choice(["local", "spark"]),
            default="local",
            show_default=True,
            help=f"{what}: on this machine, or on a Spark cluster.",
        )
        return engine(conf(command))

    return add


def spark_settings(engine: str, conf: tuple[str, ...]) -> dict[str, str] | None:
    """Settings of Spark; `None` where the work stays on this machine.

    Raises:
        click.UsageError: settings without Spark, or one that is not `KEY=VALUE`.
    """
    if engine == "local":
        if conf:
            raise click.UsageError("--spark-conf needs --engine spark")
        return None
    settings = dict(pair.partition("=")[::2] for pair in conf)
    if not all(settings.values()):
        raise click.UsageError("--spark-conf takes KEY=VALUE")
    return settings
