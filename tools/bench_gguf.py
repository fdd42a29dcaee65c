"""Tokens a second of SmolLM2-135M-Instruct, by sdvp and by llama.cpp, one after the other over the same
conversation.

    python tools/bench_gguf.py MODEL.gguf [THREADS]

`tools/gguf_golden.py` says where the file is had. What sdvp does is printed by its test
`smollm2_speed`, which needs cargo; llama.cpp is that of the PyPI package xllamacpp.
"""

import json
import os
import subprocess
import sys
import urllib.request

import xllamacpp

# As in crates/sdvp-language/tests/local.rs.
EXAMPLE = """\
Question: Is the dog to the left of the cat?
Program:
BOX0=LOC(image=IMAGE,object='cat')
IMAGE0=CROP_LEFTOF(image=IMAGE,box=BOX0)
BOX1=LOC(image=IMAGE0,object='dog')
ANSWER0=COUNT(box=BOX1)
ANSWER1=EVAL(expr="'yes' if {ANSWER0} > 0 else 'no'")
FINAL_RESULT=RESULT(var=ANSWER1)

"""


def llama_cpp(model, threads):
    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.port = 0
    parameters.n_ctx = 4096
    parameters.n_parallel = 1
    parameters.n_gpu_layers = 0
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    server = xllamacpp.Server(parameters)

    def asked(question):
        said = EXAMPLE * 8 + f"Question: {question}\nProgram:\n"
        body = {
            "messages": [{"role": "user", "content": said}],
            "temperature": 0,
            "max_tokens": 120,
            "cache_prompt": False,
            "ignore_eos": True,
        }
        request = urllib.request.Request(
            server.listening_address + "/v1/chat/completions",
            json.dumps(body).encode(),
            {"content-type": "application/json"},
        )
        return json.load(urllib.request.urlopen(request))["timings"]

    asked("Is there a car?")
    took = asked("What color is the bus?")
    print(
        f"llama.cpp, {threads} threads: read from nothing {took['prompt_n']} tokens, "
        f"{took['prompt_per_second']:.0f} a second; written freely {took['predicted_n']} tokens, "
        f"{took['predicted_per_second']:.1f} a second",
        flush=True,
    )


def main():
    model = os.path.abspath(sys.argv[1])
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else os.cpu_count()
    test = ["cargo", "test", "--release", "-p", "sdvp-language", "--test", "local"]
    test += ["smollm2_speed", "--", "--nocapture"]
    environment = os.environ | {"SDVP_TEST_GGUF": model, "RAYON_NUM_THREADS": str(threads)}
    subprocess.run(test, check=True, env=environment)
    llama_cpp(model, threads)
    # Its threads would go on.
    os._exit(0)


main()
