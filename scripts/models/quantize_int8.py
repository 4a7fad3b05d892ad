"""Quantize the fp32 NanoDet-g person model to int8 (static QDQ, per-channel weights, MinMax calibration).

    python quantize_int8.py nanodet_g_person_fp32.onnx nanodet_g_person_int8.onnx --images CALIB_DIR

CALIB_DIR holds JPEG files; the first 60 in name order are used.  The published file was calibrated with
the 60 COCO train2017 pictures listed in calibration_images.txt.  Pass that list with --check-list to refuse other
pictures.  Needs numpy, onnx, onnxruntime, opencv-python-headless.

Left in floating point: input normalisation, the three class/box output convolutions and all that follows them
(quantizing these costs accuracy and saves nothing).
"""

import argparse
import glob
import hashlib
import os
import tempfile

import cv2
import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

OPS = ["Conv", "Concat", "Add", "MaxPool", "Resize", "LeakyRelu"]
KEEP_FLOAT = ("Softmax", "MatMul", "Sigmoid", "Transpose", "Reshape", "Sub", "Mul")


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def letterbox(im, w, h):
    """Resize with kept aspect ratio, centred on black."""
    ih, iw = im.shape[:2]
    r = min(w / iw, h / ih)
    nw, nh = round(iw * r), round(ih * r)
    dx, dy = (w - nw) // 2, (h - nh) // 2
    out = np.full((h, w, 3), 0, np.uint8)
    out[dy : dy + nh, dx : dx + nw] = cv2.resize(im, (nw, nh), interpolation=cv2.INTER_LINEAR)
    return out


class Pictures(CalibrationDataReader):
    def __init__(self, files, w, h):
        blobs = (letterbox(cv2.imread(f), w, h).transpose(2, 0, 1)[None].astype(np.float32) for f in files)
        self.it = iter([{"images": x} for x in blobs])

    def get_next(self):
        return next(self.it, None)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("fp32")
    ap.add_argument("out")
    ap.add_argument("--images", required=True, metavar="CALIB_DIR")
    ap.add_argument("--count", type=int, default=60)
    ap.add_argument("--size", default="416x320", help="WxH, multiples of 32 (default 416x320)")
    ap.add_argument("--check-list", metavar="FILE", help="lines 'sha256  name'; refuse other pictures")
    ap.add_argument("--expect-sha256")
    a = ap.parse_args()
    w, h = (int(x) for x in a.size.split("x"))
    cv2.setNumThreads(1)
    files = sorted(glob.glob(os.path.join(a.images, "*.jpg")))[: a.count]
    if len(files) != a.count:
        raise SystemExit(f"{len(files)} JPEG files found, {a.count} needed")
    if a.check_list:
        with open(a.check_list) as f:
            want = {n: s for s, n in (x.split() for x in f if x.strip() and not x.startswith("#"))}
        for p in files:
            if want.get(os.path.basename(p)) != sha256(p):
                raise SystemExit(f"{p}: not the picture in the list")
    with tempfile.TemporaryDirectory() as tmp:
        pre = os.path.join(tmp, "pre.onnx")
        quant_pre_process(a.fp32, pre, skip_symbolic_shape=True)
        nodes = onnx.load(pre).graph.node
        exclude = [n.name for n in nodes if n.op_type in KEEP_FLOAT]
        exclude += [n.name for n in nodes if n.op_type == "Conv" and n.output[0].endswith(("_cls", "_box"))]
        quantize_static(
            pre,
            a.out,
            Pictures(files, w, h),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=exclude,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"ActivationSymmetric": False},
            op_types_to_quantize=OPS,
        )
    digest = sha256(a.out)
    print(a.out, os.path.getsize(a.out), digest)
    if a.expect_sha256 and a.expect_sha256 != digest:
        raise SystemExit(f"sha256 differs from {a.expect_sha256}")


if __name__ == "__main__":
    main()
