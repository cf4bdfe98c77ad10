"""What every notebook begins with: where its inputs lie, and which wheels fit it. Plain Python, part of their texts."""

INPUTS = '''\
INPUT = Path(os.environ.get("AICOMP_INPUT", "/kaggle/input"))
SYSTEMS = {"linux": ("manylinux", "linux"), "darwin": ("macosx",)}


def find(*names):
    """The folder below INPUT, nearest to its top, that holds files of all these names."""
    for depth in range(5):
        for folder in sorted(INPUT.glob("/".join(["*"] * depth))) if depth else [INPUT]:
            if all((folder / name).is_file() for name in names):
                return folder
    sys.exit(f"error: no folder in {INPUT} holds {' and '.join(names)}: are dataset and competition added as inputs?")


def fits(wheel):
    """Whether a wheel is for this Python and this machine, by its name."""
    pythons, abi, platforms = wheel.stem.split("-")[-3:]
    major, minor = sys.version_info[:2]
    right_python = any(
        tag in (f"py{major}", f"cp{major}{minor}") or (abi == "abi3" and int(tag[3:]) <= minor)
        for tag in pythons.split(".")
    )
    right_platform = platforms == "any" or any(
        tag.startswith(SYSTEMS.get(sys.platform, ())) and tag.endswith(platform.machine())
        for tag in platforms.split(".")
    )
    return right_python and right_platform'''
