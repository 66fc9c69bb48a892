"""Tests of domain/client_stacks.py."""

import pytest

from gatehouse.domain.client_stacks import MAX_LENGTH, stack_of


@pytest.mark.parametrize(
    ("user_agent", "stack"),
    [
        (None, "(none)"),
        ("", "(none)"),
        (" \t", "(none)"),
        ("PHP-SOAP/8.2.7", "PHP-SOAP 8.2"),
        ("Zeep/4.3.1 (www.python-zeep.org)", "Zeep 4.3"),
        ("Apache-CXF/3.4.1", "Apache-CXF 3.4"),
        ("Apache CXF 3.1.6", "Apache CXF 3.1"),
        ("JAX-WS RI 2.2.9-b130926.1035 svn-revision#5f6196f2", "JAX-WS RI 2.2"),
        ("Axis/1.4", "Axis 1.4"),
        ("SOAP::Lite/Perl/1.27", "SOAP::Lite/Perl 1.27"),
        ("Mozilla/4.0 (compatible; MSIE 6.0; MS Web Services Client Protocol 4.0.30319.42000)", "MS Web Services 4.0"),
        ("Mono Web Services Client Protocol 4.0.30319", "Mono Web Services 4.0"),
        ("Java/1.8.0_202", "Java 1.8"),
        ("ksoap2-android/2.6.0+;version=3.6.4", "ksoap2-android 2.6"),
        ("Till/2.3.4 CFNetwork/1410.0.3 Darwin/22.6.0", "Till 2.3"),
        ("Till 2.3 build 77", "Till 2.3"),
        ("curl", "curl"),
        ("(nothing but a comment)", "(other)"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML) Chrome/120.0.0.0 Safari/537.36", "Chrome 120"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML) Chrome/120.0 Safari/537.36 Edg/120.0", "Edge 120"),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1 (KHTML) Version/17.0 Safari/605.1", "Safari 17"),
        ("Mozilla/5.0 (X11; rv:121.0) Gecko/20100101 Firefox/121.0", "Firefox 121"),
        ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1)", "Internet Explorer 8"),
        ("Mozilla/5.0 (Windows NT) WindowsPowerShell/5.1", "PowerShell 5"),
        ("Till\x00\x1b[31m/1.0", "Till [31m 1.0"),
        ("Tïll/1.0", "T ll 1.0"),
    ],
)
def test_stack_has_a_name_and_the_beginning_of_a_version(user_agent, stack):
    """What changes with each machine would make one stack a hundred."""
    assert stack_of(user_agent) == stack


@pytest.mark.parametrize("user_agent", ["x" * 9_000, "x" * 9_000 + "/1.2", "x " * 4_000, "/" * 900, "a/1 " * 900])
def test_stack_is_bounded(user_agent):
    """A caller writes what it likes."""
    assert 0 < len(stack_of(user_agent)) <= MAX_LENGTH
