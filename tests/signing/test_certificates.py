"""Certificate chains: what leads to a root, and each check that fails, by its name."""

import base64
import copy
import json
import pickle
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk.errors import InvalidArtifactError, InvalidOptionError, KeyFileError, VerificationError
from maas_sdk.signing import (
    MODEL_SIGNING_KEY_TYPES,
    Certificate,
    PrivateKey,
    PublicKey,
    load_certificates,
    sign_files,
    sign_folder,
    verify_files,
    verify_folder,
)

FILES = {"model.json": "a" * 64}
DAY = timedelta(days=1)
CURVES = dict(zip(MODEL_SIGNING_KEY_TYPES, (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()), strict=True))
CA = x509.BasicConstraints(ca=True, path_length=None)


def signing_key(holder):
    return PrivateKey.from_pem(holder.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def bundle(leaf, *chain):
    """Sign with the leaf's key, whatever its chain is worth."""
    key = signing_key(leaf)
    made = json.loads(sign_files(FILES, key, name="digits"))
    made["verificationMaterial"] = {
        "x509CertificateChain": {
            "certificates": [
                {"rawBytes": base64.b64encode(holder.certificate.der).decode()} for holder in (leaf, *chain)
            ]
        }
    }
    return made


def verify(made, *roots, now=None):
    return verify_files(json.dumps(made).encode(), [root.certificate for root in roots], now=now)


def refused(check, made, *roots, now=None):
    with pytest.raises(VerificationError, match=f"certificate chain, {check}: ") as caught:
        verify(made, *roots, now=now)
    return str(caught.value)


# ---- what is accepted


@pytest.mark.parametrize("key_type", MODEL_SIGNING_KEY_TYPES)
def test_what_a_certified_key_signed_verifies_under_the_root(root, key_type):
    middle = root.authority()
    leaf = middle.signer(key=ec.generate_private_key(CURVES[key_type]))
    key = signing_key(leaf)
    chain = [leaf.certificate, middle.certificate]
    made = sign_files(FILES, key, name="digits", certificate_chain=chain)
    signed = verify_files(made, [root.certificate])
    assert signed.certificates == (*chain, root.certificate)
    assert signed.key == key.public_key
    assert [file.name for file in signed.files] == ["model.json"]


def test_a_folder_likewise(root, tmp_path):
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "a").write_text("a")
    leaf = root.signer()
    output = tmp_path / "digits.sig"
    sign_folder(tmp_path / "digits", signing_key(leaf), output, certificate_chain=[leaf.certificate])
    assert verify_folder(tmp_path / "digits", output, [root.certificate]).key == signing_key(leaf).public_key
    with pytest.raises(VerificationError, match="validity now"):
        later = datetime.now(UTC) + 365 * DAY
        verify_folder(tmp_path / "digits", output, [root.certificate], now=later)


def test_a_root_in_the_chain_is_left_out_and_accepted_where_others_keep_it(root):
    leaf = root.signer()
    chain = [leaf.certificate, root.certificate]
    ours = json.loads(sign_files(FILES, signing_key(leaf), name="digits", certificate_chain=chain))
    assert len(ours["verificationMaterial"]["x509CertificateChain"]["certificates"]) == 1
    assert verify(ours, root).certificates == tuple(chain)
    assert verify(bundle(leaf, root), root).certificates == tuple(chain)


@pytest.mark.parametrize("name", ["rsa", "ed25519", "p521"])
def test_an_authority_may_have_another_kind_of_key(roots, name):
    keys = {
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    }
    root = roots(key=keys[name]())
    assert verify(bundle(root.signer()), root)


def test_an_intermediate_may_be_the_trusted_one(root):
    middle = root.authority()
    leaf = middle.signer()
    assert verify(bundle(leaf, middle, root), middle).certificates[-1] == middle.certificate


def test_a_certificate_may_be_trusted_by_itself(roots):
    extensions = [(extension.value, extension.critical) for extension in roots().signer().x509.extensions]
    alone = roots("acme", constraints=None, more=extensions)
    assert verify(bundle(alone), alone).certificates == (alone.certificate,)


def test_one_of_several_roots_and_keys_is_enough(root, roots):
    leaf = root.signer()
    trusted = [PrivateKey.generate().public_key, roots().certificate, root.certificate]
    made = json.dumps(bundle(leaf)).encode()
    assert verify_files(made, trusted).certificates[-1] == root.certificate


def test_a_name_in_the_signers_certificate_decides_nothing(root):
    alternative = x509.SubjectAlternativeName([x509.RFC822Name("ml@acme.example")])
    assert verify(bundle(root.signer("", more=[(alternative, True)])), root)


def test_an_authority_for_any_purpose_or_code_signing_is_accepted(root):
    for purpose in (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, ExtendedKeyUsageOID.CODE_SIGNING):
        middle = root.authority(more=[(x509.ExtendedKeyUsage([purpose]), False)])
        assert verify(bundle(middle.signer(), middle), root)


# ---- what is refused, by the name of the check


def test_issuer_a_chain_that_ends_elsewhere(root, roots):
    made = bundle(root.signer())
    assert "none of the given roots" in refused("issuer", made, roots("other"))
    refused("issuer", made, roots())  # the same name, another key
    refused("issuer", made)


def test_issuer_a_certificate_that_the_next_did_not_issue(root):
    middle, stranger = root.authority(), root.authority()
    assert "was not issued by" in refused("issuer", bundle(middle.signer(), stranger), root)
    other = root.authority("other name", key=middle.key)
    refused("issuer", bundle(middle.signer(), other), root)


def test_issuer_a_chain_out_of_order(root):
    upper = root.authority("upper")
    lower = upper.authority("lower")
    leaf = lower.signer()
    assert verify(bundle(leaf, lower, upper), root)
    refused("issuer", bundle(leaf, upper, lower), root)
    refused("issuer", bundle(leaf, lower), root)


def test_a_key_is_no_root_and_a_root_no_key(root):
    leaf = root.signer()
    with pytest.raises(VerificationError, match="issuer"):
        verify_files(json.dumps(bundle(leaf)).encode(), [signing_key(leaf).public_key])
    with pytest.raises(VerificationError, match="no key is trusted"):
        verify_files(
            sign_files(FILES, signing_key(leaf), name="digits"), [root.certificate, leaf.certificate]
        )


def test_the_signature_must_be_by_the_certified_key(root):
    made = bundle(root.signer())
    made["dsseEnvelope"] = bundle(root.signer())["dsseEnvelope"]
    with pytest.raises(VerificationError, match="0 of 1 trusted keys signed"):
        verify(made, root)


@pytest.mark.parametrize("whose", ["root", "intermediate", "leaf"])
def test_validity_now(roots, whose):
    expired = {"start": -9 * DAY, "end": -8 * DAY}
    root = roots(**(expired if whose == "root" else {}))
    middle = root.authority(**(expired if whose == "intermediate" else {}))
    leaf = middle.signer(**(expired if whose == "leaf" else {"start": -9 * DAY}))
    assert whose in refused("validity now", bundle(leaf, middle), root)


def test_validity_now_of_a_certificate_that_is_not_valid_yet(root):
    assert "leaf" in refused("validity now", bundle(root.signer(start=DAY)), root)


@pytest.mark.parametrize("whose", ["root", "intermediate"])
def test_validity_at_signing_time(roots, whose):
    young = {"start": -DAY}
    root = roots(**(young if whose == "root" else {}))
    middle = root.authority(**(young if whose == "intermediate" else {}))
    made = bundle(middle.signer(start=-2 * DAY), middle)
    assert whose in refused("validity at signing time", made, root)


def test_the_instant_can_be_given(root):
    made = bundle(root.signer(end=-DAY))
    refused("validity now", made, root)
    assert verify(made, root, now=datetime.now(UTC) - 2 * DAY)
    with pytest.raises(InvalidOptionError, match="time zone"):
        verify(made, root, now=datetime.now())  # noqa: DTZ005 - the mistake


def test_basic_constraints_of_an_authority(root, roots):
    for constraints in (None, x509.BasicConstraints(ca=False, path_length=None)):
        middle = root.authority(constraints=constraints)
        assert "intermediate" in refused("basic constraints", bundle(middle.signer(), middle), root)
        false_root = roots(constraints=constraints)
        refused("basic constraints", bundle(false_root.signer()), false_root)
    leaf = root.signer()
    refused("basic constraints", bundle(leaf.signer("under a leaf"), leaf), root)


def test_basic_constraints_of_the_signer(root):
    assert "not models" in refused("basic constraints", bundle(root.signer(more=[(CA, True)])), root)
    not_ca = x509.BasicConstraints(ca=False, path_length=None)
    assert verify(bundle(root.signer(more=[(not_ca, True)])), root)


@pytest.mark.parametrize("length", [0, 1, 2])
def test_path_length(roots, length):
    root = roots(constraints=x509.BasicConstraints(ca=True, path_length=length))
    path = [root]
    for depth in range(length + 1):
        made = bundle(path[-1].signer(), *reversed(path[1:]))
        assert verify(made, root)
        path.append(path[-1].authority(f"authority {depth}"))
    made = bundle(path[-1].signer(), *reversed(path[1:]))
    assert f"allows {length} authorities" in refused("path length", made, root)


def test_path_length_of_an_intermediate(root):
    upper = root.authority("upper", constraints=x509.BasicConstraints(ca=True, path_length=0))
    assert verify(bundle(upper.signer(), upper), root)
    lower = upper.authority("lower")
    assert "upper" in refused("path length", bundle(lower.signer(), lower, upper), root)


def test_an_authority_that_issued_itself_a_new_key_does_not_count_for_the_path_length(roots):
    root = roots(constraints=x509.BasicConstraints(ca=True, path_length=0))
    renewed = root.authority("root")
    assert verify(bundle(renewed.signer(), renewed), root)


@pytest.mark.parametrize("key_usage", [(), ("key_encipherment",), ("content_commitment", "key_cert_sign")])
def test_key_usage_of_the_signer(root, key_usage):
    assert "digitalSignature" in refused("key usage", bundle(root.signer(key_usage=key_usage)), root)


def test_key_usage_of_an_authority(root, roots):
    middle = root.authority(key_usage="digital_signature")
    assert "keyCertSign" in refused("key usage", bundle(middle.signer(), middle), root)
    silent = root.authority(key_usage=None)
    assert verify(bundle(silent.signer(), silent), root)


@pytest.mark.parametrize(
    "purposes",
    [None, [ExtendedKeyUsageOID.SERVER_AUTH], [ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]],
    ids=["none", "serverAuth", "any"],
)
def test_extended_key_usage_of_the_signer(root, purposes):
    leaf = root.signer(purposes=purposes and x509.ExtendedKeyUsage(purposes))
    assert "codeSigning" in refused("extended key usage", bundle(leaf), root)


def test_extended_key_usage_of_an_authority(root):
    middle = root.authority(more=[(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)])
    refused("extended key usage", bundle(middle.signer(), middle), root)


def test_critical_extension(root):
    unknown = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    assert "1.2.3.4" in refused("critical extension", bundle(root.signer(more=[(unknown, True)])), root)
    assert verify(bundle(root.signer(more=[(unknown, False)])), root)
    names = x509.NameConstraints([x509.DNSName("acme.example")], None)
    middle = root.authority(more=[(names, True)])
    refused("critical extension", bundle(middle.signer(), middle), root)


def test_key_of_the_signer(root):
    made = bundle(root.signer())
    for key in (
        rsa.generate_private_key(65537, 2048),
        ed25519.Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256K1()),
    ):
        wrong = root.signer(key=key)
        raw = base64.b64encode(wrong.certificate.der).decode()
        made["verificationMaterial"]["x509CertificateChain"]["certificates"] = [{"rawBytes": raw}]
        refused("key", made, root)


def test_key_of_an_authority(roots):
    for key, words in (
        (rsa.generate_private_key(65537, 1024), "1024 bits"),
        (ec.generate_private_key(ec.SECP256K1()), "secp256k1"),
        (dsa.generate_private_key(2048), "DSA"),
    ):
        weak = roots(key=key)
        assert words in refused("key", bundle(weak.signer()), weak)


def test_signature_algorithm(root):
    leaf = root.signer(digest=hashes.SHA224())
    assert "sha224" in refused("signature algorithm", bundle(leaf), root)


# ---- signing


def test_a_chain_for_another_key_or_that_nobody_would_accept_is_noticed_by_the_sender(root):
    leaf, other = root.signer(), root.signer()
    for chain, words in (
        ([other.certificate], "is not the certificate of the key"),
        ([root.signer(key=leaf.key, purposes=None).certificate], "extended key usage"),
        ([root.signer(key=leaf.key, end=-DAY).certificate], "validity now"),
        ([leaf.certificate, root.authority().certificate], "issuer"),
    ):
        with pytest.raises(InvalidOptionError, match=words):
            sign_files(FILES, signing_key(leaf), name="digits", certificate_chain=chain)


def test_a_chain_that_is_too_long_is_neither_written_nor_read(root):
    leaf = root.signer()
    with pytest.raises(InvalidOptionError, match="1 to 10"):
        sign_files(FILES, signing_key(leaf), name="digits", certificate_chain=[leaf.certificate] * 11)
    with pytest.raises(InvalidArtifactError, match="1 to 10"):
        verify(bundle(leaf, *[root] * 10), root)


# ---- reading


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        ([], "array of 1 to 10"),
        ({}, "array of 1 to 10"),
        ([7], r"certificates\[0\] must be an object with rawBytes"),
        ([{"rawBytes": "AAAA", "x": 1}], "and nothing else"),
        ([{"rawBytes": 7}], "expected a string"),
        ([{"rawBytes": "A"}], r"certificates\[0\]\.rawBytes: .*malformed base64"),
        ([{"rawBytes": "AB=="}], "not canonical"),
        ([{"rawBytes": "AAAA"}], "not a certificate"),
        ([{"rawBytes": ""}], "not a certificate"),
    ],
)
def test_a_malformed_chain_is_refused_with_the_place(root, chain, message):
    made = bundle(root.signer())
    made["verificationMaterial"]["x509CertificateChain"]["certificates"] = chain
    with pytest.raises(InvalidArtifactError, match=message):
        verify(made, root)


def test_bytes_after_a_certificate_are_refused(root):
    with pytest.raises(KeyFileError, match="not a certificate"):
        Certificate.from_der(root.certificate.der + b"\0")


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_a_serial_number_that_is_not_positive_is_refused(root):
    der = bytearray(root.certificate.der)
    place = der.index(root.certificate.parsed.serial_number.to_bytes(20, "big"))
    der[place] |= 0x80
    with pytest.raises(KeyFileError, match="serial number"):
        Certificate.from_der(bytes(der))


@pytest.mark.parametrize("whose", ["issuer", "subject"])
def test_a_name_that_is_no_text_is_refused_and_not_an_error_of_somebody_elses(root, whose):
    der = bytearray(root.certificate.der)
    places = [place for place in range(len(der)) if der[place : place + 4] == b"root"]
    der[places[whose == "subject"] - 2] = 0x0D  # the tag of the string
    with pytest.raises(KeyFileError, match="not a certificate"):
        Certificate.from_der(bytes(der))


def test_unused_bits_of_a_signature_are_refused(root):
    signed = (root.signer() for _ in range(1000))
    holder = next(one for one in signed if one.x509.signature[-1] % 2 == 0)
    der = bytearray(holder.certificate.der)
    der[-len(holder.x509.signature) - 1] = 1
    with pytest.raises(KeyFileError, match="last octet"):
        Certificate.from_der(bytes(der))


def test_an_extension_that_appears_twice_is_refused(root):
    # The two have values of one length, so that one OID can be written over the other.
    first, second = ObjectIdentifier("1.2.3.4"), ObjectIdentifier("1.2.3.5")
    more = [(x509.UnrecognizedExtension(oid, b"\x05\x00"), False) for oid in (first, second)]
    der = root.signer(more=more).certificate.der
    with pytest.raises(KeyFileError, match=r"1\.2\.3\.4"):
        Certificate.from_der(der.replace(b"\x06\x03\x2a\x03\x05", b"\x06\x03\x2a\x03\x04"))


SIGNED = []


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_changed_byte_of_a_chain_is_accepted_as_another(root, data):
    if not SIGNED:
        middle = root.authority()
        leaf = middle.signer()
        SIGNED.extend((leaf, middle))
    leaf, middle = SIGNED
    made = bundle(leaf, middle)
    index = data.draw(st.integers(0, 1))
    raw = bytearray((leaf, middle)[index].certificate.der)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    certificates = made["verificationMaterial"]["x509CertificateChain"]["certificates"]
    certificates[index]["rawBytes"] = base64.b64encode(raw).decode()
    with pytest.raises((InvalidArtifactError, VerificationError)):
        verify(made, root)


# ---- certificates as values


def test_a_certificate_survives_pem_pickle_and_copies(root):
    certificate = root.certificate
    for again in (Certificate.from_pem(certificate.pem), pickle.loads(pickle.dumps(certificate)),
                  copy.deepcopy(certificate)):  # fmt: skip
        assert again == certificate
        assert hash(again) == hash(certificate)
    assert certificate != root.signer().certificate


def test_a_certificate_says_whose_it_is(root):
    assert root.certificate.subject == "CN=root"
    assert root.certificate.fingerprint in repr(root.certificate)
    assert "CN=root" in repr(root.certificate)


def test_a_file_of_certificates_keeps_its_order(root, tmp_path):
    leaf = root.signer()
    (tmp_path / "chain.pem").write_text("leaf:\n" + leaf.certificate.pem + "root:\n" + root.certificate.pem)
    assert load_certificates(tmp_path / "chain.pem") == (leaf.certificate, root.certificate)


@pytest.mark.parametrize("text", ["", "hello", PrivateKey.generate().public_key_pem()], ids=range(3))
def test_what_is_no_certificate_is_refused(tmp_path, text):
    (tmp_path / "chain.pem").write_text(text)
    with pytest.raises(KeyFileError, match="certificate"):
        load_certificates(tmp_path / "chain.pem")
    with pytest.raises(KeyFileError, match="certificate"):
        Certificate.from_pem(text)


def test_two_certificates_are_not_one(root):
    with pytest.raises(KeyFileError, match="found 2"):
        Certificate.from_pem(root.certificate.pem * 2)


def test_a_certificate_is_no_public_key(root):
    with pytest.raises(KeyFileError, match="not a public key"):
        PublicKey.from_pem(root.certificate.pem)
