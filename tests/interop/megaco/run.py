#!/usr/bin/env python3
"""erlang-megaco as an oracle for the text codec: run.py PATH_TO_MEGACO_ORACLE [COUNT [SEED]].

COUNT random valid messages of versions 1 to 3 go through megaco's decoder and encoder; both decoders must accept all of them, and
what megaco wrote must be the same message to agw. Then both decoders run beside each other on the Add of a data-channel call and
on a compact Notify; the numbers are printed, not judged.
"""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
RECODE = os.path.join(HERE, "recode.escript")

oracle = os.path.abspath(sys.argv[1])
count = sys.argv[2] if len(sys.argv) > 2 else "24000"
seed = sys.argv[3] if len(sys.argv) > 3 else "1"

with tempfile.TemporaryDirectory() as directory:
    sent, recoded = os.path.join(directory, "sent"), os.path.join(directory, "recoded")
    subprocess.run([oracle, "generate", count, seed, sent], check=True)
    subprocess.run(["escript", RECODE, sent, recoded], check=True)
    compared = subprocess.run([oracle, "compare", sent, recoded])

    for name in ("add", "notify"):
        message = os.path.join(HERE, name + ".txt")
        theirs = subprocess.run(["escript", RECODE, "bench", message, "5000"], check=True, capture_output=True, text=True)
        ours = subprocess.run([oracle, "bench", message, "1"], check=True, capture_output=True, text=True)
        a, b = float(ours.stdout), float(theirs.stdout)
        print("%s, %d bytes: agw %.2f us, megaco %.1f us, %.0f times" % (name, os.path.getsize(message), a, b, b / a))

sys.exit(compared.returncode)
