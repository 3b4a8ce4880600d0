"""The description of this workload: its axes, metrics, grids, packages and variables."""

from __future__ import annotations

from importlib import resources

from bench.spec.axes import Axis, Metric
from bench.spec.description import Description
from mnist_bench.backends import BACKENDS, installed
from mnist_bench.drawings import DRAWINGS
from mnist_bench.models import ARCHITECTURES, OPTIMIZERS, POLICIES
from mnist_bench.reference import published_2020
from mnist_bench.training import LOOPS

AXES = (
    Axis(
        "model",
        choices=tuple(ARCHITECTURES),
        meaning="the network: dense (mlp) or convolutional (cnn)",
        always_marked=True,
        separates=True,
    ),
    Axis(
        "optimizer",
        choices=OPTIMIZERS,
        meaning="the Keras optimizer with its default settings",
        always_marked=True,
    ),
    Axis(
        "batch_size",
        "int",
        128,
        least=1,
        mark="b{}",
        heading="batch",
        meaning="images per step",
        is_batch=True,
    ),
    Axis(
        "loop",
        default="fit",
        choices=tuple(sorted({loop for loop, _ in LOOPS})),
        meaning="how the network is trained: by Keras fit, or by a compiled loop of this project",
    ),
    Axis(
        "precision",
        default="float32",
        choices=tuple(POLICIES),
        meaning="the precision in which layers compute",
        sets_ceiling=True,
    ),
    Axis(
        "backend",
        default="tensorflow",
        choices=tuple(BACKENDS),
        meaning="the framework",
        sets_ceiling=True,
        pools_ceiling=True,
        available=installed,
    ),
    Axis(
        "as_published",
        "bool",
        False,
        plural="as_published",
        mark="",
        meaning="divide the MLP's test images by 225, as the 2020 script did by mistake",
    ),
)

METRICS = (
    Metric(
        "train_loss",
        "lower",
        "both",
        least=0.0,
        short="loss",
        digits=3,
        meaning="cross-entropy on the training set; per epoch, the mean during training",
    ),
    Metric(
        "train_accuracy",
        "higher",
        "both",
        least=0.0,
        most=1.0,
        short="accuracy",
        meaning="share of the training set that is classified correctly",
    ),
    Metric(
        "test_loss",
        "lower",
        least=0.0,
        short="test loss",
        digits=3,
        training="train_loss",
        meaning="cross-entropy on the test set",
    ),
    Metric(
        "test_accuracy",
        "higher",
        least=0.0,
        most=1.0,
        short="test accuracy",
        meaning="share of the test set that is classified correctly",
        scored=True,
        targets=(0.97, 0.98, 0.99),
        training="train_accuracy",
    ),
)

#: The grids of the package, from the shortest to the longest.
GRIDS = ("smoke", "quick", "threads", "paper", "full", "accuracy")

#: Variables that set a framework's number of threads.
THREAD_VARIABLES = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")

#: Variables of the frameworks that change speed.
RECORDED_VARIABLES = (
    *("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"),
    *("ONEDNN_DEFAULT_FPMATH_MODE", "ATEN_CPU_CAPABILITY", "XLA_FLAGS", "TF_XLA_FLAGS"),
    *("TF_FORCE_GPU_ALLOW_GROWTH", "TF_GPU_ALLOCATOR", "TF_GPU_THREAD_MODE"),
    *("TF_DETERMINISTIC_OPS", "TF_CUDNN_USE_AUTOTUNE"),
    *("XLA_PYTHON_CLIENT_PREALLOCATE", "XLA_PYTHON_CLIENT_MEM_FRACTION"),
    *("XLA_PYTHON_CLIENT_ALLOCATOR", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF"),
    *("JAX_PLATFORMS", "JAX_DEFAULT_MATMUL_PRECISION", "JAX_ENABLE_X64"),
)

#: Beginnings of the names of the frameworks' variables: a job sees only the recorded ones.
FAMILIES = ("KERAS_", "TF_", "XLA_", "JAX_", "TORCH", "PYTORCH_", "ONEDNN_", "DNNL_", "ATEN_")

#: Keras looks for its settings in this folder, which cannot exist: a keras.json of the user's (with
#: another floatx, say) would change what is trained.
NO_KERAS_HOME = "/dev/null/keras"

CAVEAT = (
    "These are small networks on 28x28 images: they do not predict how fast a machine trains large "
    "models, which depend far more on memory bandwidth and accelerators."
)

#: The words of this workload in Spanish, the language of the 2020 annex.
SPANISH = {
    "MNIST training": "entrenamiento con MNIST",
    CAVEAT: (
        "Son redes pequeñas con imágenes de 28x28: no predicen con qué rapidez entrena una máquina "
        "modelos grandes, que dependen mucho más del ancho de banda de memoria y de los "
        "aceleradores."
    ),
    "model": "modelo",
    "optimizer": "optimizador",
    "model, optimizer and epochs": "modelo, optimizador y épocas",
    "batch": "lote",
    "images per step": "imágenes por paso",
    "loop": "bucle",
    AXES[3].meaning: (
        "cómo se entrena la red: con fit de Keras o con un bucle compilado de este proyecto"
    ),
    "precision": "precisión",
    "the precision in which layers compute": "la precisión con la que calculan las capas",
    "backend": "backend",
    "the framework": "el framework",
    "loss": "pérdida",
    "accuracy": "exactitud",
    "train loss": "pérdida en entrenamiento",
    "train accuracy": "exactitud en entrenamiento",
    "test loss": "pérdida en test",
    "test accuracy": "exactitud en test",
    METRICS[0].meaning: (
        "entropía cruzada en el conjunto de entrenamiento; por época, la media durante el "
        "entrenamiento"
    ),
    METRICS[1].meaning: "parte del conjunto de entrenamiento que se clasifica bien",
    METRICS[2].meaning: "entropía cruzada en el conjunto de test",
    METRICS[3].meaning: "parte del conjunto de test que se clasifica bien",
    "2020 {}": "{} de 2020",
    "laptop": "portátil",
    "VM": "VM",
    "test slip": "error en test",
    "The dense network (mlp)": "La red densa (mlp)",
    "The convolutional network (cnn)": "La red convolucional (cnn)",
}

DESCRIPTION = Description(
    name="mnist",
    title="MNIST training",
    axes=AXES,
    metrics=METRICS,
    grids={name: resources.files("mnist_bench.grids") / f"{name}.yaml" for name in GRIDS},
    packages=("keras", "tensorflow", "jax", "torch", "numpy", "ray", "mnist-bench"),
    thread_variables=THREAD_VARIABLES,
    default_variables={"TF_CPP_MIN_LOG_LEVEL": "2"},
    fixed_variables={"KERAS_HOME": NO_KERAS_HOME},
    recorded_variables=RECORDED_VARIABLES,
    variable_families=FAMILIES,
    sources=("mnist_bench",),
    datasets=("mnist", "synthetic"),
    caveat=CAVEAT,
    drawings=DRAWINGS,
    reference=published_2020,
    translations={"es": SPANISH},
)
