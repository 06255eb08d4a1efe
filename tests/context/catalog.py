"""All programs under test, whatever file they stand in."""
import chain  # noqa: F401
import grpc_programs  # noqa: F401
import java_programs  # noqa: F401
import native  # noqa: F401
import node_programs  # noqa: F401
import perl_php_programs  # noqa: F401
import proxies  # noqa: F401
import python_databases  # noqa: F401
import python_frameworks  # noqa: F401
import ruby_programs  # noqa: F401
from programs import PROGRAMS  # noqa: F401
