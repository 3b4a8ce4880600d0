"""How would *your* Keras model train on these machines? Edit `build_model` and the shapes.

    mnist-bench run --workload examples/keras_model.py --grid quick

The data are drawn at random in the stated shapes: the time of a step depends on the shapes alone.
"""

import numpy as np

import bench.workload as bench

INPUT_SHAPE = (64, 64, 3)  # one sample, without the batch
CLASSES = 100
SAMPLES = 1024  # in an epoch


def build_model():
    """Return the model that is measured. Put your own in its place."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input(INPUT_SHAPE),
            layers.Conv2D(32, 3, strides=2, activation="relu"),
            layers.Conv2D(64, 3, strides=2, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


class KerasModel(bench.Workload):
    """Trains the model of this file with `train_on_batch`, a step at a time."""

    description = bench.Description(
        name="keras_model",
        title="My Keras model",
        axes=(
            bench.Axis("optimizer", default="adam", always_marked=True),
            bench.Axis("batch_size", "int", 32, least=1, mark="b{}", is_batch=True),
        ),
        metrics=(bench.Metric("loss", "lower", "both", scored=True, meaning="on random data"),),
        grids={"quick": {"name": "quick", "subgrids": [{"batch_sizes": [32, 64], "repeats": 2}]}},
        default_epochs=3,
        packages=("keras", "tensorflow", "numpy"),
        thread_variables=("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
        default_variables={"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"},
    )

    def run_job(self, job, meter):
        """Train on random data; every step takes one batch."""
        meter.load(lambda: __import__("keras"))
        import keras
        import tensorflow as tf

        device = "gpu" if tf.config.list_physical_devices("GPU") else "cpu"
        meter.runs_on(device, versions={"keras": keras.__version__, "tensorflow": tf.__version__})
        keras.utils.set_random_seed(job.seed)
        rng, batch = np.random.default_rng(job.seed), job.axes["batch_size"]
        x = rng.random((SAMPLES, *INPUT_SHAPE), np.float32)
        y = rng.integers(CLASSES, size=SAMPLES)
        meter.data_loaded()
        model = build_model()
        loss = lambda: {"loss": model.evaluate(x, y, batch, verbose=0)}  # noqa: E731
        with meter.training(loss, model.get_weights):
            model.compile(job.axes["optimizer"], "sparse_categorical_crossentropy")
            for _ in range(job.epochs):
                with meter.epoch() as epoch:
                    for begin in range(0, SAMPLES - batch + 1, batch):
                        chosen = slice(begin, begin + batch)
                        trained = model.train_on_batch(x[chosen], y[chosen])
                        epoch.step()
                    epoch.report(loss=trained)


WORKLOAD = KerasModel()
