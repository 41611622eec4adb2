#!/usr/bin/env bash
# `healthy.sh PORT`: whether something listens. Both services open their port when they are ready.
exec 3<>"/dev/tcp/localhost/$1"
