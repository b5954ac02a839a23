"""What drgn can say about a crash, for tests/bench/linux.sh: the log, the stack of the task that
crashed, the modules and the task's files. Usage: linux_drgn.py VMCORE VMLINUX"""
import sys

import drgn
from drgn.helpers.linux.fs import d_path, for_each_file
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.percpu import per_cpu
from drgn.helpers.linux.printk import get_dmesg

program = drgn.Program()
program.set_core_dump(sys.argv[1])
program.load_debug_info([sys.argv[2]])
print(get_dmesg(program).decode("utf-8", "replace")[-2000:])
cpu = program["crashing_cpu"].value_()
task = per_cpu(program["current_task"], cpu)
print(task.comm.string_(), task.pid.value_())
try:
    print(program.stack_trace(task))
except Exception as error:      # what it cannot do is part of the comparison
    print(error)
for module in list_for_each_entry("struct module", program["modules"].address_of_(), "list"):
    print(module.name.string_(), hex(module.taints.value_()))
for number, file in for_each_file(task):
    print(number, d_path(file.f_path.address_of_()))
