"""Milliseconds a picture takes in onnxruntime on one core, for FILE@SIZE …; see benches/encoder.rs."""

import sys
import time

import numpy as np
import onnxruntime


def main():
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    for named in sys.argv[1:]:
        path, size = named.rsplit("@", 1)
        session = onnxruntime.InferenceSession(path, options)
        wanted = session.get_inputs()[0]
        bytes_ = wanted.type == "tensor(uint8)"
        shape = (1, int(size), int(size), 3) if bytes_ else (1, 3, int(size), int(size))
        picture = {wanted.name: np.zeros(shape, np.uint8 if bytes_ else np.float32)}
        times = []
        for _ in range(40):
            start = time.perf_counter()
            session.run(None, picture)
            times.append((time.perf_counter() - start) * 1000)
        print(f"{sorted(times)[20]:6.2f} ms  {path} at {size} pixels in onnxruntime", flush=True)


if __name__ == "__main__":
    main()
