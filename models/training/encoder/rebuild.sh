#!/bin/sh
# Trains, judges and exports the adapter: rebuild.sh DATA ENCODER WORK OUT. Goes on where an earlier run stopped.
set -eu
here=$(dirname "$0")
places="--data $1 --encoder $2 --work $3 --threads ${THREADS:-2} --held 0"
mkdir -p "$3"
python3 "$here/train.py" $places
python3 "$here/train_support.py" $places
python3 "$here/evaluate.py" $places
python3 "$here/export.py" $places --out "$4"
